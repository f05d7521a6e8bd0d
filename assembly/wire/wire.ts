// What all wire formats share: fields in network byte order at byte offsets.
// Nothing here keeps state or decides anything.
//
// Fields of 8 and 16 bits come and go as u32: what is narrower costs an instruction to
// mask wherever it is used. Put cuts them off.

@unmanaged export class Wire {
  u8at(offset: usize): u32 {
    return load<u8>(changetype<usize>(this) + offset);
  }
  u16at(offset: usize): u32 {
    return bswap<u32>(load<u16>(changetype<usize>(this) + offset)) >> 16;
  }
  u32at(offset: usize): u32 {
    return bswap<u32>(load<u32>(changetype<usize>(this) + offset));
  }
  put8(offset: usize, v: u32): void {
    store<u8>(changetype<usize>(this) + offset, <u8>v);
  }
  put16(offset: usize, v: u32): void {
    store<u16>(changetype<usize>(this) + offset, <u16>(bswap<u32>(v) >> 16));
  }
  put32(offset: usize, v: u32): void {
    store<u32>(changetype<usize>(this) + offset, bswap<u32>(v));
  }
}
