/** Elements of the lab's page: found, and made. */

/** The element with an id: the page has it (index.html). */
export const $ = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
/** A new element. */
export const make = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] => {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...children);
  return e;
};
