import { addOne, addRow } from './few-rows';

/** The matrix that a row chose, or -1 where its number is that of none. */
export function chosen(choice: usize, row: i32, count: i32): i32 {
  const number = load<i32>(choice + ((<usize>row) << 2));
  return number >= 0 && number < count ? number : -1;
}

/** Rows from … to of y = x · the matrix [k, m] of each row's number, or its transpose. */
export function matmulChosen(
  x: usize,
  matrices: usize,
  choice: usize,
  y: usize,
  count: i32,
  k: i32,
  m: i32,
  transpose: boolean,
  from: i32,
  to: i32,
): void {
  const line = (<usize>m) << 2;
  const depthBytes = (<usize>(transpose ? m : k)) << 2;
  const bytes = (<usize>(transpose ? k : m)) << 2;
  for (let row = from; row < to; row++) {
    const target = y + <usize>row * bytes;
    const source = x + <usize>row * depthBytes;
    const number = chosen(choice, row, count);
    const matrix = matrices + <usize>max(number, 0) * k * line;
    memory.fill(target, 0, bytes);
    if (number < 0) continue;
    if (!transpose) {
      addRow(source, 4, matrix, line, target, bytes, k);
    } else {
      for (let i = 0; i < k; i++) {
        store<f32>(target + ((<usize>i) << 2), dot(source, matrix + <usize>i * line, m));
      }
    }
  }
}

/** Matrices from … to of the outer products of the rows of a [rows, k] and b [rows, m], added up by number. */
export function outerChosen(
  a: usize,
  b: usize,
  choice: usize,
  y: usize,
  rows: i32,
  k: i32,
  m: i32,
  from: i32,
  to: i32,
): void {
  const line = (<usize>m) << 2;
  for (let number = from; number < to; number++) {
    const matrix = y + <usize>number * k * line;
    memory.fill(matrix, 0, <usize>k * line);
    for (let row = 0; row < rows; row++) {
      if (load<i32>(choice + ((<usize>row) << 2)) !== number) continue;
      const left = a + ((<usize>row * k) << 2);
      const right = b + <usize>row * line;
      for (let i = 0; i < k; i++) {
        const target = matrix + <usize>i * line;
        addOne(load<f32>(left + ((<usize>i) << 2)), right, target, target + line);
      }
    }
  }
}

function dot(a: usize, b: usize, count: i32): f32 {
  let left = f32x4.splat(0);
  let right = f32x4.splat(0);
  for (; count >= 8; count -= 8) {
    left = f32x4.add(left, f32x4.mul(v128.load(a), v128.load(b)));
    right = f32x4.add(right, f32x4.mul(v128.load(a, 16), v128.load(b, 16)));
    a += 32;
    b += 32;
  }
  let sum = sumOfLanes(f32x4.add(left, right));
  for (; count > 0; count--) {
    sum += load<f32>(a) * load<f32>(b);
    a += 4;
    b += 4;
  }
  return sum;
}

export function sumOfLanes(x: v128): f32 {
  const low = f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1);
  return low + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}
