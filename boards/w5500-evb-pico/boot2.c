/*
 * The second stage of the RP2040's boot (data sheet 2.8.1.3): at most 252 bytes, run from RAM, which make the flash
 * readable in place and jump to the vector table behind them. The build puts the checksum that the boot ROM wants
 * behind them.
 *
 * SSI (4.10.13): one 32-bit word per access, read with command 03h and a 24-bit address, which every serial flash
 * knows.
 */
__attribute__((naked, section(".boot2"), used)) void boot2(void) {
  __asm__ volatile(
      "ldr r3, =0x18000000\n"
      "movs r0, #0\n str r0, [r3, #0x08]\n" /* SSIENR: off */
      "movs r0, #4\n str r0, [r3, #0x14]\n" /* BAUDR: a quarter of the system's clock */
      "ldr r0, =0x001f0300\n str r0, [r3, #0x00]\n" /* CTRLR0: 32 bits a word, EEPROM read */
      "movs r0, #0\n str r0, [r3, #0x04]\n" /* CTRLR1: one word */
      "ldr r2, =0x180000f4\n ldr r0, =0x03000218\n str r0, [r2]\n" /* SPI_CTRLR0: command 03h, 24-bit address */
      "movs r0, #1\n str r0, [r3, #0x08]\n" /* SSIENR: on */
      "ldr r0, =0x10000100\n ldr r1, =0xe000ed08\n str r0, [r1]\n" /* VTOR */
      "ldr r1, [r0]\n msr msp, r1\n ldr r0, [r0, #4]\n bx r0\n"
      ".align 2\n .ltorg");
}
