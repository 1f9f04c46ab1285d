// Numbers of the operations that element-wise kernels are compiled for. The ops hand them over and the kernels choose by
// them, so both read this file. An op whose name stands here has a SIMD kernel.

/** Functions of one operand; the first five are those that a product can apply to its result. */
export enum UnaryOperation {
  linear,
  relu,
  sigmoid,
  tanh,
  hardSigmoid,
  negate,
  abs,
  exp,
  sqrt,
  reciprocal,
  square,
}

/** Functions of one operand whose gradient has a kernel. */
export enum UnarySlope {
  relu,
  sigmoid,
  tanh,
  hardSigmoid,
  negate,
  abs,
  exp,
  log,
  sqrt,
  reciprocal,
  square,
}

/** Functions of two operands. */
export enum BinaryOperation {
  add,
  subtract,
  multiply,
  divide,
  maximum,
  minimum,
  greater,
  equal,
}
