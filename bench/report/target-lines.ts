import type { TargetOutcome } from '../targets.ts';
import { digits, percent } from './wording.ts';

/** What was wanted and got, in words. */
export function targetCells({ kind, wanted, got, measured, of, worst, verdict }: TargetOutcome) {
  const show = (value: number) => (kind === 'roofline' ? percent(value) : `${digits(value)}×`);
  return {
    wanted: `≥ ${show(wanted)}`,
    got: got === null ? '–' : `${show(got)}${of > 1 ? ` (least of ${measured}: ${worst})` : ''}`,
    verdict:
      verdict === 'not measured' && measured > 0 ? `not measured: ${measured} of ${of} cases` : verdict,
  };
}

/** The section on targets in the terminal. */
export function targetLines(outcomes: readonly TargetOutcome[]): string[] {
  const rows = outcomes.map((outcome) => {
    const { wanted, got, verdict } = targetCells(outcome);
    return [outcome.device, outcome.title, wanted, got, verdict];
  });
  const table = [['device', 'target', 'wanted', 'got', ''], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
}
