/** What the firmware's runtimes are given, and what they give. */

/** What a runtime adds to the firmware. */
export interface Added {
  sources: string[];
  include: string[];
  defines: string[];
  /** For the firmware's own files. */
  flags?: string[];
  /** Bytes of C stack that it wants; a board gives them if it has less. */
  stack?: number;
  /** Bytes of RAM that it takes beside the linear memory. */
  ram?: number;
  /** The linear memory lies where the runtime wants it, not where the linker script does. */
  ownMemory?: boolean;
}

/** What a runtime is compiled for. */
export interface Target {
  compiler: string;
  flags: string[];
  ram: number;
  /** Bytes of linear memory. */
  memory: number;
}
