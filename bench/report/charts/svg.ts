/** The few parts that the charts are drawn from: elements, and scales whose steps are factors. */

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text for HTML and SVG, in contents and in attributes. */
export const escaped = (text: string) => text.replace(/[&<>"]/g, (sign) => entities[sign]);

type Attributes = Readonly<Record<string, string | number>>;

const short = (value: string | number) =>
  typeof value === 'number' ? String(Number(value.toFixed(2))) : escaped(value);

/** An element; `contents` is markup already. */
export function element(name: string, attributes: Attributes, contents = ''): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${short(value)}"`);
  return `<${name}${written.join('')}>${contents}</${name}>`;
}

/** Text at a place. */
export const label = (text: string, attributes: Attributes) => element('text', attributes, escaped(text));

export const line = (x1: number, y1: number, x2: number, y2: number, kind: string) =>
  element('line', { x1, y1, x2, y2, class: kind });

/** A scale on which equal distances are equal factors. */
export interface FactorScale {
  /** Where a value lies; one outside of the domain is put on its edge. */
  at(value: number): number;
  /** Round values within the domain: powers of ten, with 2 and 5 times them where the domain is short. */
  readonly ticks: readonly number[];
}

/** `low` and `high` are above 0 and are put at `from` and `to`. */
export function factorScale(low: number, high: number, from: number, to: number): FactorScale {
  const [bottom, top] = [Math.log10(low), Math.log10(high)];
  const steps = top - bottom > 3 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(bottom); power <= Math.ceil(top); power++) {
    for (const step of steps) {
      const value = step * 10 ** power;
      if (value >= low * 0.999 && value <= high * 1.001) ticks.push(value);
    }
  }
  return {
    at(value) {
      const part = (Math.log10(value) - bottom) / (top - bottom);
      return from + (to - from) * Math.min(1, Math.max(0, part));
    },
    ticks,
  };
}

/** `0.5×`, `20×`: an exact label of a tick. */
export const tickLabel = (value: number, unit = '') => `${Number(value.toPrecision(3))}${unit}`;
