import type { TargetOutcome } from '../targets.ts';
import type { Results } from './results.ts';

export function htmlPage(results: Results, targets: readonly TargetOutcome[]): string {
  return JSON.stringify({ results, targets });
}
