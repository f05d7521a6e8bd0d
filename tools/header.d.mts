/** The text of include/stint.h. */
export function header(): string;
export function functions(): { name: string; doc: string; parameters: [string, string][]; result: string }[];
