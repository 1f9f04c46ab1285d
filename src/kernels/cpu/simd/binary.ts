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
 * the row, 0 for one whose first number serves all of it. The operations are numbered as in binary.ts of the ops.
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
  rows: i32,
  columns: i32,
): void {
  const rowBytes = (<usize>columns) << 2;
  for (let row = 0; row < rows; row++) {
    if (operation === 0) combine<Add>(a, aStep, b, bStep, y, columns);
    else if (operation === 1) combine<Subtract>(a, aStep, b, bStep, y, columns);
    else if (operation === 2) combine<Multiply>(a, aStep, b, bStep, y, columns);
    else if (operation === 3) combine<Divide>(a, aStep, b, bStep, y, columns);
    else if (operation === 4) combine<Maximum>(a, aStep, b, bStep, y, columns);
    else if (operation === 5) combine<Minimum>(a, aStep, b, bStep, y, columns);
    else if (operation === 6) combine<Greater>(a, aStep, b, bStep, y, columns);
    else combine<Equal>(a, aStep, b, bStep, y, columns);
    a += (<usize>aRowStride) << 2;
    b += (<usize>bRowStride) << 2;
    y += rowBytes;
  }
}

/** One row. The last four columns are computed together however many of them are done: y is neither a nor b. */
function combine<T>(a: usize, aStep: i32, b: usize, bStep: i32, y: usize, columns: i32): void {
  const operation = changetype<T>(0);
  const bytes = (<usize>columns) << 2;
  const last = bytes - 16;
  if (aStep && bStep) {
    for (let at: usize = 0; at < last; at += 16) {
      v128.store(y + at, operation.apply(v128.load(a + at), v128.load(b + at)));
    }
    v128.store(y + last, operation.apply(v128.load(a + last), v128.load(b + last)));
  } else if (aStep) {
    const right = v128.load32_splat(b);
    for (let at: usize = 0; at < last; at += 16) {
      v128.store(y + at, operation.apply(v128.load(a + at), right));
    }
    v128.store(y + last, operation.apply(v128.load(a + last), right));
  } else {
    const left = v128.load32_splat(a);
    for (let at: usize = 0; at < last; at += 16) {
      v128.store(y + at, operation.apply(left, v128.load(b + at)));
    }
    v128.store(y + last, operation.apply(left, v128.load(b + last)));
  }
}
