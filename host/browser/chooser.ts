/** The list of a capture's connections. */
import { NEWEST } from "./capture.js";
import { $, make } from "./dom.js";
import type { Page } from "./page.js";

/** Connections that can be chosen among: of a file the first ones, of a live stack the last. */
const CHOICES_MAX = 2000;

/** The list of connections to choose from. What the reader is at is left alone. */
export function chooser(page: Page): void {
  const capture = page.capture!, { connections, chosen, isLive } = capture;
  const from = isLive ? Math.max(0, connections.length - CHOICES_MAX) : 0;
  const choices: [number, string][] = [
    ...(isLive ? [[NEWEST, "the newest"] as [number, string]] : []),
    ...connections.slice(from, from + CHOICES_MAX).map(({ names, segments, findings: [first] }, i) => [
      from + i, `${names[0]} → ${names[1]}, ${segments.length} segments${first ? `: ${first}` : ""}`,
    ] as [number, string]),
  ];
  let select = document.getElementById("connection") as HTMLSelectElement | null;
  if (select === null) {
    select = make("select", {
      id: "connection",
      onchange: () => {
        page.capture!.chosen = Number(select!.value);
        page.selected = -1;
        page.show({ follow: false });
      },
    });
    $("explanation").replaceChildren(
      make("label", {}, "Connection ", select),
      make(
        "p", {},
        "States are those that both ends must be in. What went wrong stands under Connections; "
          + "choose a segment to see what it says.",
      ),
    );
  }
  while (select.options.length > choices.length) select.remove(choices.length);
  choices.forEach(([value, text], i) => {
    const option = select.options[i] ?? make("option");
    if (i === select.options.length) select.add(option);
    if (option.text !== text) option.text = text;
    option.value = String(value);
  });
  select.value = String(chosen);
}
