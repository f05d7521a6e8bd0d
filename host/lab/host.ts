/** A host of the handshake lab: a stack, and the applications on it: they accept, read, and close when all is read. */
import { ERR } from "../errors.js";
import { EVENT, type StackModule, type TcpInfo } from "../stack.js";

interface Connection {
  handle: number;
  reads: boolean;
  closes: boolean;
  over: boolean;
  /** Bytes that its application got. */
  got: number;
  text: string;
}

export interface HostState {
  wakeUs: number;
  busyUs: number;
  listeners: number[];
  connections: Connection[];
}

/** Honest clients: how many began, and how many the server's application got; and what an attacker took. */
export interface Served {
  began: number;
  connected: number;
  spoofed: number;
  /** Half-open connections that one host kept, at most. */
  held: number;
  waiting: { host: number; handle: number }[];
}

/** A connection of an application; `reads`: it takes what comes. */
export function connection(handle: number, { reads }: { reads: boolean }): Connection {
  return { handle, reads, closes: true, over: false, got: 0, text: "" };
}

/** One stack of the lab with its applications. `state` is all that a snapshot needs beside the module's memory. */
export class Host {
  state: HostState;

  constructor(readonly number: number, readonly mac: number[], readonly stack: StackModule, startUs: number) {
    this.state = { wakeUs: startUs, busyUs: 0, listeners: [], connections: [] };
  }

  /** What its applications do: accept, read, close when the other side has. */
  applications(served: Served): boolean {
    const { stack, state: s } = this;
    let did = false;
    stack.drainEvents((handle, bits) => {
      if (bits & EVENT.ACCEPT) {
        for (const l of s.listeners) {
          for (let h = stack.accept(l); h !== 0; h = stack.accept(l)) {
            if (served.began > 0) served.connected++;
            const reads = !s.connections.some((c) => !c.reads && c.handle === 0);
            s.connections.push(connection(h, { reads }));
            did = true;
          }
        }
      }
      const waiting = served.waiting.findIndex((w) => w.host === this.number && w.handle === handle);
      if (waiting >= 0) {
        if (bits & (EVENT.CONNECTED | EVENT.CLOSED)) {
          served.waiting.splice(waiting, 1);
          if (bits & EVENT.CONNECTED) stack.abort(handle);
          else stack.close(handle);
          did = true;
        }
      }
    });
    for (const c of s.connections) if (c.handle !== 0 && !c.over && this.#read(c)) did = true;
    return did;
  }

  #read(c: Connection): boolean {
    const { stack } = this;
    if (!c.reads) return false;
    let did = false;
    const left = stack.receivable(c.handle);
    if (left > 0) {
      const data = stack.receive(c.handle)!;
      c.got += data.length;
      c.text = (c.text + new TextDecoder("latin1").decode(data)).slice(-500);
      did = true;
    } else if (left === 0 && c.closes) {
      stack.close(c.handle);
      c.over = true;
      did = true;
    } else if (left < 0 && left !== ERR.AGAIN) {
      // One that somebody else has closed has no handle any more.
      if (left !== ERR.HANDLE) stack.close(c.handle);
      c.over = true;
      did = true;
    }
    return did;
  }

  /** Its connections, as its inspector shows them. */
  inspect(): { info: TcpInfo; got: number; text: string }[] {
    return this.state.connections.filter((c) => c.handle !== 0 && !c.over).flatMap((c) => {
      try {
        return [{ info: this.stack.info(c.handle), got: c.got, text: c.text }];
      } catch {
        return [];
      }
    });
  }
}
