/**
 * Honest timing: every subject gets its turn in every round, and what counts is the median of the rounds. A ratio is
 * taken within each round, where both had the same machine: its speed drifts from round to round, by a factor where
 * others share it.
 */

export interface Measured {
  median: number;
  /** Half the distance between the quartiles, as a share of the median. */
  spread: number;
}

/** What was measured in each round, beside the median. */
export interface Rounds extends Measured {
  values: number[];
}

/** The median of the rounds' ratios. */
export function ratio(a: Rounds, b: Rounds): number {
  return summary(a.values.map((value, i) => value / b.values[i]!)).median;
}

export function summary(values: number[]): Measured {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  const median = at(0.5);
  return { median, spread: (at(0.75) - at(0.25)) / 2 / median };
}

/**
 * Runs each of `subjects` once in each of `rounds` rounds, after `before` rounds that do not count. Each returns its
 * figure.
 */
export function interleaved<K extends string>(
  subjects: Record<K, () => number>, rounds: number, before = 1,
): Record<K, Rounds> {
  const names = Object.keys(subjects) as K[];
  const values = Object.fromEntries(names.map((n) => [n, [] as number[]])) as Record<K, number[]>;
  for (let round = -before; round < rounds; round++) {
    for (const name of names) {
      const value = subjects[name]();
      if (round >= 0) values[name].push(value);
    }
  }
  return Object.fromEntries(names.map((n) => [n, { ...summary(values[n]), values: values[n] }])) as Record<K, Rounds>;
}

/** A row of the report. */
export interface Row {
  work: string;
  subject: string;
  params: Record<string, number | string>;
  median: number;
  unit: string;
  spread: number;
  /** What each round gave, where there were rounds. */
  values?: number[];
  ratios: Record<string, number>;
}
