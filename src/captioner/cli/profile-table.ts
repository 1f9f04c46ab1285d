import {
  type Profile,
  type ProfileTotals,
  profileByOp,
  profileTotals,
} from '../../kernels/profiling/profile.ts';

/** Right-aligned but for the last. */
const HEADINGS = ['calls', 'ms', 'share', 'GFLOP/s', 'MB', 'GB/s', 'op'];

/**
 * The lines of a table for people: a row for each op, or (with `shapes`) for each op, variant and shapes, where float32
 * goes without saying; the sum; and the wall time beside it. MB are what had to be read and written at the least.
 */
export function profileTable(profile: Profile, shapes = false): string[] {
  const rows = shapes ? profile.rows : profileByOp(profile);
  const total = profileTotals(rows);
  const table = [
    HEADINGS,
    ...rows.map((row) => [
      ...cells(row, total),
      shapes ? `${row.op} (${row.variant}) ${row.shapes.replaceAll(' float32', '')}` : row.op,
    ]),
    [...cells(total, total), 'total'],
  ];
  const widths = HEADINGS.slice(0, -1).map((_, column) =>
    Math.max(...table.map((row) => row[column].length)),
  );
  const lines = table.map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '));
  return [...lines, wallLine(profile, total)];
}

function cells(row: ProfileTotals, total: ProfileTotals): string[] {
  // A million a millisecond is a giga a second.
  const rate = (amount: number) =>
    amount > 0 && row.milliseconds > 0 ? readable(amount / row.milliseconds / 1e6) : '–';
  const share = total.milliseconds > 0 ? (100 * row.milliseconds) / total.milliseconds : 0;
  return [
    String(row.calls),
    row.milliseconds.toFixed(2),
    `${share.toFixed(1)} %`,
    rate(row.flops),
    (row.bytes / 1e6).toFixed(2),
    rate(row.bytes),
  ];
}

/** Three digits, or two after the point. */
function readable(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

function wallLine({ clock, wallMilliseconds }: Profile, { milliseconds }: ProfileTotals): string {
  const share = wallMilliseconds > 0 ? (100 * milliseconds) / wallMilliseconds : 0;
  const clocks = { gpu: "by the GPU's timestamps", thread: "by this thread's clock" };
  return (
    `kernels took ${milliseconds.toFixed(0)} ms ${clocks[clock]}, ${share.toFixed(0)} % of ` +
    `${wallMilliseconds.toFixed(0)} ms wall time`
  );
}
