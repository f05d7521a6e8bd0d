/** What the user does: buttons, keys, files, commands to the hosts, and segments of one's own. */
import type { Action } from "../lab/scenario.js";
import { $, make } from "./dom.js";
import type { Page } from "./page.js";

/** Makes buttons, keys and files do what they say. */
export function controls(page: Page): void {
  const scenario = $<HTMLSelectElement>("scenario");
  const on = (id: string, f: () => void): void => $(id).addEventListener("click", f);
  // As after a link: the browser's way back leads to what was open before.
  const open = (name: string, variant?: string): void => {
    // Seeds and variants are a scenario's, and a capture is none.
    if (name === "live" || name === "") return;
    if (name === "tour") page.openTour(page.tour?.step ?? 1, page.tour?.settings);
    else page.open(name, variant);
    history.pushState(null, "", page.url({ isBrief: true }));
  };
  scenario.onchange = () => open(scenario.value);
  $<HTMLSelectElement>("variant").onchange = () => open(scenario.value, $<HTMLSelectElement>("variant").value);
  $("seed").onchange = () => open(scenario.value, page.lab.variant || undefined);
  on("play", () => toggle(page));
  on("step", () => one(page));
  on("back", () => back(page));
  on("restart", () => restart(page));
  on("zoom-in", () => zoom(page, 1.25));
  on("zoom-out", () => zoom(page, 0.8));
  on("save", () => page.save());
  on("share", () => {
    if (page.capture) return page.say("No link leads to what is shown here: save it as a file.");
    history.replaceState(null, "", page.url());
    // A page that no secure connection brought has no clipboard.
    const clipboard = navigator.clipboard as Clipboard | undefined;
    const bar = (): void => page.say("The link is in the address bar.");
    if (clipboard) clipboard.writeText(location.href).then(() => page.say("The link is copied."), bar);
    else bar();
  });
  $("list-box").addEventListener("toggle", () => page.show({ follow: false }));
  const file = $<HTMLInputElement>("open");
  file.onchange = () => {
    const chosen = file.files?.[0];
    void chosen?.arrayBuffer().then((b) => page.read(chosen.name, new Uint8Array(b)));
    // The same one may be chosen again.
    file.value = "";
  };
  addEventListener("dragover", (e) => {
    e.preventDefault();
    document.body.classList.add("drop");
  });
  addEventListener("dragleave", () => document.body.classList.remove("drop"));
  addEventListener("drop", (e) => {
    e.preventDefault();
    document.body.classList.remove("drop");
    const dropped = e.dataTransfer?.files[0];
    if (dropped) void dropped.arrayBuffer().then((b) => page.read(dropped.name, new Uint8Array(b)));
  });
  addEventListener("keydown", (e) => {
    const target = e.target as HTMLElement;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === " " && target.tagName !== "BUTTON" && target.tagName !== "SUMMARY") toggle(page);
    else if (e.key === "ArrowRight") one(page);
    else if (e.key === "ArrowLeft") back(page);
    else if (e.key === "Home") restart(page);
    else if (e.key === "ArrowDown" && target.id === "scroll") neighbour(page, 1);
    else if (e.key === "ArrowUp" && target.id === "scroll") neighbour(page, -1);
    else return;
    e.preventDefault();
  });
}

/** Plays or pauses; from the beginning, where it is at its end. A capture has no time of its own, but a live one. */
export function toggle(page: Page): void {
  if (!page.playing && !page.capture && page.lab.isOver) page.goTo(0);
  if (page.playing || page.capture?.isLive === false) page.pause();
  else page.play();
}

/** Of a capture, steps are its segments. */
function one(page: Page): void {
  page.pause();
  if (page.capture) neighbour(page, 1);
  else if (page.next()) page.show();
  else page.say("This is the end.");
}

function back(page: Page): void {
  page.pause();
  if (page.capture) neighbour(page, -1);
  else page.goTo(page.lab.step - 1);
}

function restart(page: Page): void {
  page.pause();
  if (page.capture) page.select(page.ladder.picture.arrows[0]?.frame ?? -1);
  else page.goTo(0);
}

function zoom(page: Page, by: number): void {
  page.ladder.zoom = Math.min(4, Math.max(0.25, page.ladder.zoom * by));
  page.show({ follow: false });
}

function neighbour(page: Page, way: number): void {
  const { arrows } = page.ladder.picture;
  const at = arrows.findIndex((a) => a.frame === page.selected);
  const found = arrows[at < 0 ? (way > 0 ? 0 : arrows.length - 1) : at + way];
  if (found) page.select(found.frame);
}

/** A line for commands to each host. */
export function consoles(page: Page): void {
  // There is nobody in a capture who could do anything.
  $("hands").hidden = page.capture !== null;
  const names = page.lab.hosts.map((h) => h.name);
  $("consoles").replaceChildren(
    ...names.map((host) => {
      const input = make("input", {
        ariaLabel: `Command for ${host}`, placeholder: `${host}: listen, connect, send hello, close, abort`,
      });
      const run = (): void => {
        const [verb, ...rest] = input.value.trim().split(/\s+/);
        const text = rest.join(" ");
        const other = names.find((n) => n !== host)!;
        const action: Action | null =
          verb === "listen"
            ? { do: "listen", host }
            : verb === "connect"
              ? { do: "connect", host, to: other, from: 49160 + page.lab.flows.length }
              : verb === "send"
                ? { do: "send", host, text: text || "hello" }
                : verb === "close" || verb === "abort" || verb === "restart"
                  ? { do: verb, host }
                  : verb === "stop"
                    ? { do: "stop reading", host }
                    : verb === "read"
                      ? { do: "read again", host }
                      : null;
        if (!action) {
          page.say(
            `${host}: there is listen, connect, send TEXT, close, abort, stop (reading), read (again), restart.`,
          );
          return;
        }
        input.value = "";
        page.act({ act: "action", action });
        page.say(`${host}: ${verb}.`);
      };
      return make(
        "form",
        {
          className: "console",
          onsubmit: (e) => {
            e.preventDefault();
            run();
          },
        },
        make("strong", {}, host),
        input,
        make("button", {}, "Do"),
      );
    }),
    make(
      "div",
      { className: "fates" },
      make(
        "button",
        { type: "button", onclick: () => page.act({ act: "action", action: { do: "link", up: !page.lab.up } }) },
        "Take the link down, or up",
      ),
    ),
  );
}

/** A segment of one's own. */
export function forge(page: Page): void {
  const form = $<HTMLFormElement>("forge");
  const number = (id: string, label: string): Node =>
    make("label", {}, `${label} `, make("input", { id, type: "number", value: "1" }));
  form.append(
    make("strong", {}, "Your own segment"),
    make(
      "label", {}, "in the name of ",
      make("select", { id: "forge-from" }, make("option", {}, "client"), make("option", {}, "server")),
    ),
    number("forge-seq", "SEQ (relative)"),
    number("forge-ack", "ACK"),
    ...(["SYN", "ACK", "FIN", "RST"] as const).map((f) =>
      make("label", {}, make("input", { type: "checkbox", id: `forge-${f}` }), ` ${f}`),
    ),
    make("label", {}, "text ", make("input", { id: "forge-text", size: 10 })),
    make("button", {}, "Send it"),
  );
  form.onsubmit = (e) => {
    e.preventDefault();
    const value = (id: string): string => $<HTMLInputElement>(id).value, from = value("forge-from");
    const flags = (["SYN", "ACK", "FIN", "RST"] as const).filter((f) => $<HTMLInputElement>(`forge-${f}`).checked);
    page.act({
      act: "action",
      action: {
        do: "segment",
        from,
        to: from === "client" ? "server" : "client",
        fields: {
          flags: [...flags], seq: Number(value("forge-seq")), ack: Number(value("forge-ack")),
          text: value("forge-text"),
        },
      },
    });
    page.say("It is on its way.");
  };
}
