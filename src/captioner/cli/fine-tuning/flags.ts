import { join } from 'node:path';
import { numberFlag, type readArguments } from '../arguments.ts';

const text = { type: 'string' } as const;
const texts = { type: 'string', multiple: true } as const;
const withDefault = (value: string) => ({ type: 'string', default: value }) as const;
const off = { type: 'boolean', default: false } as const;

export const FLAGS = {
  'fine-tune': text,
  encoder: text,
  from: text,
  teacher: texts,
  data: texts,
  'data-weight': texts,
  out: text,
  config: text,
  resume: off,
  force: off,
  cache: withDefault(join('.cache', 'features')),
  threads: text,
  device: withDefault('auto'),
  objective: withDefault('words'),
  'objective-weight': text,
  words: withDefault('1000'),
  outputs: text,
  articles: withDefault('keep'),
  'max-words': withDefault('30'),
  'label-smoothing': withDefault('0'),
  'doubly-stochastic': withDefault('0'),
  'dropout-encoding': withDefault('0.4'),
  'dropout-embedding': withDefault('0.4'),
  'dropout-output': withDefault('0.4'),
  'image-side': text,
  'reduce-to': text,
  flip: off,
  crop: withDefault('1'),
  colour: withDefault('0'),
  epochs: text,
  steps: text,
  'batch-images': withDefault('16'),
  accumulate: withDefault('1'),
  'encoder-rate': withDefault('0.0001'),
  'decoder-rate': withDefault('0.0005'),
  'objective-rate': withDefault('0.001'),
  'warm-up': withDefault('100'),
  'weight-decay': withDefault('0'),
  'clip-norm': withDefault('1'),
  'moving-average': withDefault('0.99'),
  measure: withDefault('500'),
  'held-out': withDefault('0.1'),
  'checkpoint-minutes': withDefault('5'),
  plot: text,
  precision: withDefault('float16'),
  seed: withDefault('42'),
  version: off,
  help: { type: 'boolean', short: 'h', default: false },
} as const;

export type Values = ReturnType<typeof readArguments<typeof FLAGS>>['values'];

/** A flag's value as a whole number. */
export function whole(flag: keyof Values, text: string, least = 1): number {
  return numberFlag(`--${flag}`, text, { least, most: Number.MAX_SAFE_INTEGER });
}

/** A flag's value as any number. */
export function fraction(flag: keyof Values, text: string, least: number, largest: number): number {
  return numberFlag(`--${flag}`, text, { least, most: largest, fraction: true });
}
