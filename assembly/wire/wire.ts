// What all wire formats share: fields in network byte order at byte offsets. Nothing here keeps state or decides anything.

@unmanaged export class Wire {
  u8at(offset: usize): u8 {
    return load<u8>(changetype<usize>(this) + offset);
  }
  u16at(offset: usize): u16 {
    return bswap<u16>(load<u16>(changetype<usize>(this) + offset));
  }
  u32at(offset: usize): u32 {
    return bswap<u32>(load<u32>(changetype<usize>(this) + offset));
  }
  put8(offset: usize, v: u8): void {
    store<u8>(changetype<usize>(this) + offset, v);
  }
  put16(offset: usize, v: u16): void {
    store<u16>(changetype<usize>(this) + offset, bswap<u16>(v));
  }
  put32(offset: usize, v: u32): void {
    store<u32>(changetype<usize>(this) + offset, bswap<u32>(v));
  }
}
