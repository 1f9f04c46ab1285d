/** Numbers in words, the same in all reports. */

/** Three digits that matter: 1234, 12.3, 0.0123. */
export function digits(value: number): string {
  if (value === 0) return '0';
  const places = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(places, 6));
}

/** `812 µs`, `12.3 ms`, `3.45 s` of milliseconds. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1) return `${digits(milliseconds * 1000)} µs`;
  return milliseconds < 1000 ? `${digits(milliseconds)} ms` : `${digits(milliseconds / 1000)} s`;
}

/** How many times faster ours is, from both times: `3.4× faster`, `1.2× slower`, `equal` within one percent. */
export function comparison(ratio: number): string {
  if (Math.abs(ratio - 1) < 0.01) return 'equal';
  return ratio > 1 ? `${digits(ratio)}× faster` : `${digits(1 / ratio)}× slower`;
}

export function percent(part: number): string {
  return `${part < 0.1 ? (100 * part).toFixed(1) : Math.round(100 * part)} %`;
}
