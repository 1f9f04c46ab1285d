import { checkDType, checkRank } from '../op/checks.ts';
import { ShapeError } from '../op/errors.ts';
import { describe, type NumericArray, type TensorSpec } from '../op/spec.ts';

/**
 * Checks the numbers by which rows choose among matrices, int32 [B], one for each of B rows. Throws ShapeError or
 * DTypeError.
 */
export function checkChoice(op: string, choice: TensorSpec, rows: number): void {
  checkDType(op, 'choice', choice, 'int32');
  checkRank(op, 'choice', choice, 1, '[rows]');
  if (choice.shape[0] !== rows) {
    throw new ShapeError(
      `${op}: choice is ${describe(choice)} for ${rows} rows; give each row the number of its matrix`,
    );
  }
}

/** The matrix that a row chose, or -1 where its number is that of none. */
export function chosen(choice: NumericArray, row: number, matrices: number): number {
  const number = choice[row];
  return number >= 0 && number < matrices ? number : -1;
}
