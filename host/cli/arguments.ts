/** Parsers for command-line values: what they reject, the command reports in one line. */
import { InvalidArgumentError } from "commander";
import { parseCidr, parseIp, parseMac } from "../address.js";
import { parseCidr6, parseIp6 } from "../address6.js";

/** Any finite number, as `Number` reads it; an empty text is none. */
export function parseNumber(text: string): number {
  const n = Number(text);
  if (text.trim() === "" || !Number.isFinite(n)) throw new InvalidArgumentError("it is not a number.");
  return n;
}

/** A whole number ≥ 0. */
export function parseCount(text: string): number {
  const n = parseNumber(text);
  if (!Number.isInteger(n) || n < 0 || n > 0xffffffff)
    throw new InvalidArgumentError("it is not a whole number from 0 to 4294967295.");
  return n;
}

/** A whole number from `low` to `high`. */
export function within(low: number, high: number): (text: string) => number {
  return (text) => {
    const n = parseNumber(text);
    if (!Number.isInteger(n) || n < low || n > high)
      throw new InvalidArgumentError(`it is not a whole number from ${low} to ${high}.`);
    return n;
  };
}

/** From 1 to 65535: port 0 is none that a user could name. */
export function parsePort(text: string): number {
  const n = parseNumber(text);
  if (!Number.isInteger(n) || n < 1 || n > 65535) throw new InvalidArgumentError("a port is a number from 1 to 65535.");
  return n;
}

function rejecting<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (e) {
      throw new InvalidArgumentError((e as Error).message);
    }
  };
}

/** A host's name, without a domain. */
export function hostName(text: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(text))
    throw new InvalidArgumentError("a name is up to 63 letters, digits and hyphens.");
  return text;
}

/** An address with its prefix; kept as text. */
export const cidr = rejecting((text) => (parseCidr(text), text));
export const mac = rejecting((text) => (parseMac(text), text));
export const address = rejecting((text) => (parseIp(text), text));
export const cidr6 = rejecting((text) => (parseCidr6(text), text));
export const address6 = rejecting((text) => (parseIp6(text), text));
/** An address of either family. */
export const anyAddress = (text: string): string => (text.includes(":") ? address6(text) : address(text));
/** An address, also in brackets, or a name: what looks like an address has to be one. */
export const host = (text: string): string => {
  if (text.includes(":")) return address6(text.replace(/^\[(.*)\]$/, "$1"));
  return /^[\d.]+$/.test(text) ? address(text) : text;
};
