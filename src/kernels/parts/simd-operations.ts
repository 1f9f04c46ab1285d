import { BinaryOperation, UnaryOperation, UnarySlope } from '../cpu/simd/operations.ts';

export { BinaryOperation, UnaryOperation, UnarySlope };

/** The number of an operation by its name, or undefined where no SIMD kernel computes it. */
export function operationNumber(
  operations: Readonly<Record<string, number | string>>,
  name: string,
): number | undefined {
  const number = operations[name];
  return typeof number === 'number' ? number : undefined;
}
