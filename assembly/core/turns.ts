// Whether anybody but a connection of the application may have something to send: a socket of UDP, a client, IPv6. Most
// polls are about connections alone, and then nobody else is asked. Whoever may have given them something to send says
// so here: a call of the application, a frame that header prediction did not take, a timer, a client's connection.

import { SPEED } from "../features";
import { take } from "./layout";

@unmanaged class Turns {
  wanted: bool;
}

let turns: Turns = changetype<Turns>(0);

export function turnsInit(): void {
  if (SPEED) turns = changetype<Turns>(take(1, offsetof<Turns>()));
}

/** The next `poll` asks all of them. */
export function wake(): void {
  if (SPEED) turns.wanted = true;
}

/** Whether they are to be asked. */
export function isWoken(): bool {
  return !SPEED || turns.wanted;
}

/** They are asked now. What wakes them meanwhile has its turn with the next `poll`. */
export function turnsBegin(): void {
  if (SPEED) turns.wanted = false;
}
