import { UNIT_ELEMENTS } from './blocks';
import { BinaryOperation } from './operations';
import { firstVector, lastVector } from './units';

/** Each operation as a class without fields, so that a row's loop is compiled once for each, free of branches. */
@unmanaged
class Add {
  apply(a: v128, b: v128): v128 {
    return f32x4.add(a, b);
  }
}

@unmanaged
class Subtract {
  apply(a: v128, b: v128): v128 {
    return f32x4.sub(a, b);
  }
}

@unmanaged
class Multiply {
  apply(a: v128, b: v128): v128 {
    return f32x4.mul(a, b);
  }
}

@unmanaged
class Divide {
  apply(a: v128, b: v128): v128 {
    return f32x4.div(a, b);
  }
}

@unmanaged
class Maximum {
  apply(a: v128, b: v128): v128 {
    return f32x4.max(a, b);
  }
}

@unmanaged
class Minimum {
  apply(a: v128, b: v128): v128 {
    return f32x4.min(a, b);
  }
}

@unmanaged
class Greater {
  apply(a: v128, b: v128): v128 {
    return v128.and(f32x4.gt(a, b), f32x4.splat(1));
  }
}

@unmanaged
class Equal {
  apply(a: v128, b: v128): v128 {
    return v128.and(f32x4.eq(a, b), f32x4.splat(1));
  }
}

/**
 * y[row, column] = operation(a, b) for 4 columns or more. `…RowStride` in floats; `…Step` is 1 for an operand read along
 * the row, 0 for one whose first number serves all of it.
 * The units from … to are computed, each a part of a row.
 */
export function binary(
  operation: i32,
  a: usize,
  aRowStride: i32,
  aStep: i32,
  b: usize,
  bRowStride: i32,
  bStep: i32,
  y: usize,
  columns: i32,
  from: i32,
  to: i32,
): void {
  const unitsInRow = (columns + UNIT_ELEMENTS - 1) / UNIT_ELEMENTS;
  for (let unit = from; unit < to; unit++) {
    const row = unit / unitsInRow;
    const part = unit - row * unitsInRow;
    const left = a + ((<usize>row * aRowStride) << 2);
    const right = b + ((<usize>row * bRowStride) << 2);
    const target = y + ((<usize>row * columns) << 2);
    if (operation === BinaryOperation.add) combine<Add>(left, aStep, right, bStep, target, columns, part);
    else if (operation === BinaryOperation.subtract)
      combine<Subtract>(left, aStep, right, bStep, target, columns, part);
    else if (operation === BinaryOperation.multiply)
      combine<Multiply>(left, aStep, right, bStep, target, columns, part);
    else if (operation === BinaryOperation.divide)
      combine<Divide>(left, aStep, right, bStep, target, columns, part);
    else if (operation === BinaryOperation.maximum)
      combine<Maximum>(left, aStep, right, bStep, target, columns, part);
    else if (operation === BinaryOperation.minimum)
      combine<Minimum>(left, aStep, right, bStep, target, columns, part);
    else if (operation === BinaryOperation.greater)
      combine<Greater>(left, aStep, right, bStep, target, columns, part);
    else if (operation === BinaryOperation.equal)
      combine<Equal>(left, aStep, right, bStep, target, columns, part);
    else unreachable();
  }
}

/** One unit of a row. The last four columns are computed together however many of them are done: y is neither a nor b. */
function combine<T>(a: usize, aStep: i32, b: usize, bStep: i32, y: usize, columns: i32, part: i32): void {
  const operation = changetype<T>(0);
  const first = firstVector(part);
  const last = lastVector(columns, part + 1);
  if (aStep && bStep) {
    for (let at = first; at < last; at += 16) {
      v128.store(y + at, operation.apply(v128.load(a + at), v128.load(b + at)));
    }
    v128.store(y + last, operation.apply(v128.load(a + last), v128.load(b + last)));
  } else if (aStep) {
    const right = v128.load32_splat(b);
    for (let at = first; at < last; at += 16) {
      v128.store(y + at, operation.apply(v128.load(a + at), right));
    }
    v128.store(y + last, operation.apply(v128.load(a + last), right));
  } else {
    const left = v128.load32_splat(a);
    for (let at = first; at < last; at += 16) {
      v128.store(y + at, operation.apply(left, v128.load(b + at)));
    }
    v128.store(y + last, operation.apply(left, v128.load(b + last)));
  }
}
