/** Images for the boot ROM of an RP2040. */
import { readFileSync, writeFileSync } from "node:fs";

/** The CRC-32 of the RP2040's boot ROM (data sheet 2.8.1.3.1): not reflected, nothing inverted at the end. */
function bootCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const b of bytes) {
    crc ^= b << 24;
    for (let i = 0; i < 8; i++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}

/**
 * The image in UF2 blocks (github.com/microsoft/uf2), with the checksum of its second boot stage; the .bin gets it too.
 */
export function uf2Of(bin: string, { address, family }: { address: number; family: number }): Buffer {
  const image = readFileSync(bin), stage = 252, payload = 256;
  image.writeUInt32LE(bootCrc(image.subarray(0, stage)), stage);
  writeFileSync(bin, image);
  const count = Math.ceil(image.length / payload);
  return Buffer.concat(Array.from({ length: count }, (_, i) => {
    const block = Buffer.alloc(512);
    [0x0a324655, 0x9e5d5157, 0x2000, address + i * payload, payload, i, count, family].forEach((word, at) =>
      block.writeUInt32LE(word >>> 0, at * 4),
    );
    image.copy(block, 32, i * payload, Math.min(image.length, (i + 1) * payload));
    block.writeUInt32LE(0x0ab16f30, 508);
    return block;
  }));
}
