/** docs/reference/command.md: the command line, from commander's definitions. */
import type { Argument, Command, Option } from "commander";
import { FAULT, USAGE } from "../../host/cli/problem.js";

const cell = (text: string): string => text.replaceAll("|", "\\|");
const row = (cells: string[]): string => `| ${cells.map(cell).join(" | ")} |`;
const table = (head: string[], body: string[][]): string =>
  [row(head), row(head.map(() => "---")), ...body.map(row)].join("\n");

/** What an option takes, as its flags name it: "ms", "file"; nothing for a switch. */
const value = (option: Option): string => /[<[](.*)[>\]]/.exec(option.flags)?.[1] ?? "";
const flags = (option: Option): string => `\`${option.flags.replace(/ [<[].*/, "")}\``;

function byDefault(option: Option): string {
  const { defaultValue: given, negate, mandatory } = option as Option & { defaultValue: unknown };
  if (mandatory && given === undefined) return "must be given";
  if (negate || given === undefined) return "";
  if (Array.isArray(given)) return given.join(", ");
  return typeof given === "object" ? "" : String(given);
}

const meaning = (option: Option): string =>
  option.description + (option.argChoices ? `; one of ${option.argChoices.join(", ")}` : "");

function argument(a: Argument): string[] {
  return [`\`${a.name()}${a.variadic ? "…" : ""}\``, a.required ? "must be given" : "may be given", a.description];
}

function chapter(command: Command): string {
  const parts = [`## \`stint ${command.name()}\``, `${sentence(command.description())}`];
  parts.push(`    stint ${command.name()} ${command.usage()}`);
  const given = command.registeredArguments, options = command.options.filter((o) => !o.hidden);
  if (given.length > 0) parts.push(table(["argument", "", "meaning"], given.map(argument)));
  if (options.length > 0) {
    const rows = options.map((o) => [flags(o), value(o), byDefault(o), meaning(o)]);
    parts.push(table(["option", "takes", "default", "meaning"], rows));
  }
  return parts.join("\n\n");
}

const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`;

export function commandPage(program: Command): string {
  return `<!-- Made by \`npm run reference\` from the definitions in host/cli/. -->

# The command \`stint\`

${sentence(program.description())} \`npx stint COMMAND --help\` prints what this page has.

Options that take \`n\` take a whole number. Those whose numbers have a unit name it: \`seconds\`, \`bytes\`.
An option without a word in "takes" is a switch, which is off unless it is given.

${table(["command", "what it does"], program.commands.map((c) =>
    [`[\`${c.name()}\`](#stint-${c.name()})`, c.description()]))}

${program.commands.map(chapter).join("\n\n")}

## Exit statuses

${table(["status", "when"], [
    ["0", "it did what it was asked"],
    ["1", "it ran, and the answer is no: a script failed, bytes were lost at the end, something is missing"],
    [`${USAGE}`, "it cannot: an argument is wrong, a file, a link or a peer is not there; one line says why"],
    [`${FAULT}`, "a fault of stint's own, or a module stopped; with `STINT_TRACE=1` it says where"],
    ["130", "a signal ended it: `connect` the first, `up` a second one"],
  ])}
`;
}
