/** `npm run sim -- [--seed N] [--seeds COUNT] [--minutes M] [--forever]` */
import { World } from "./world.js";

const value = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const seconds = value("--minutes", 1) * 60, forever = process.argv.includes("--forever");
const first = value("--seed", 1), count = forever ? Infinity : value("--seeds", 1);
const start = performance.now();
for (let seed = first; seed < first + count; seed++) {
  try {
    new World(seed).run(seconds);
  } catch (e) {
    console.error(`seed ${seed}: ${(e as Error).stack}\nreplay it with: npm run sim -- --seed ${seed} --minutes ${seconds / 60}`);
    process.exit(1);
  }
  if ((seed - first + 1) % 100 === 0) console.log(`${seed - first + 1} seeds, ${((performance.now() - start) / 1000).toFixed(0)} s`);
}
console.log(`seeds ${first} to ${first + count - 1}: nothing wrong`);
