/** What a tool says to its user in one line: something is missing, or refused. */
export class ToolError extends Error {}
