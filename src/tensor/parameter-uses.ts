import type { Operand } from '../kernels/device.ts';

/** Something whose memory is replaced when it is assigned: a parameter. */
export interface Replaceable {
  operand(user: string): Operand;
}

/** Hears of every parameter that is used, while a plan is captured. */
let listener: ((parameter: Replaceable, used: Operand) => void) | null = null;

export function noteUse(parameter: Replaceable, used: Operand): void {
  listener?.(parameter, used);
}

export function whileListening<T>(hear: NonNullable<typeof listener>, body: () => T): T {
  const before = listener;
  listener = hear;
  try {
    return body();
  } finally {
    listener = before;
  }
}

/** Whether a plan is being captured. */
export function capturing(): boolean {
  return listener !== null;
}
