// What every owner of a four-tuple begins with: a TCB, a half-open record, a record in TIME-WAIT.

@unmanaged export class Flow {
  rip: u32;
  lip: u32;
  /** Remote port << 16 | local port. */
  ports: u32;
}

export function flowSet(f: Flow, lip: u32, rip: u32, ports: u32): void {
  f.rip = rip;
  f.lip = lip;
  f.ports = ports;
}
