/**
 * The k largest of each of the rows from … to of `columns` floats, descending, and their indices; of equals the one of
 * lower index comes first. k is at most `columns`.
 */
export function topK(
  x: usize,
  values: usize,
  indices: usize,
  columns: i32,
  k: i32,
  from: i32,
  to: i32,
): void {
  for (let row = from; row < to; row++) {
    const skipped = (<usize>row * k) << 2;
    largestOfRow(x + ((<usize>row * columns) << 2), values + skipped, indices + skipped, columns, k);
  }
}

function largestOfRow(x: usize, values: usize, indices: usize, columns: i32, k: i32): void {
  for (let column = 0; column < k; column++) insert(x, values, indices, column, column);
  const last = k - 1;
  const least = values + ((<usize>last) << 2);
  let column = k;
  for (; column + 8 <= columns; column += 8) {
    // Most of a row is below all that was found, and passes by eight.
    const at = x + ((<usize>column) << 2);
    const bound = v128.load32_splat(least);
    const above = v128.or(f32x4.gt(v128.load(at), bound), f32x4.gt(v128.load(at, 16), bound));
    if (!v128.any_true(above)) continue;
    for (let each = column; each < column + 8; each++) {
      if (load<f32>(x + ((<usize>each) << 2)) > load<f32>(least)) insert(x, values, indices, each, last);
    }
  }
  for (; column < columns; column++) {
    if (load<f32>(x + ((<usize>column) << 2)) > load<f32>(least)) insert(x, values, indices, column, last);
  }
}

/** Puts an element in its place among those found, of which `place` keep theirs or move on by one. */
function insert(x: usize, values: usize, indices: usize, column: i32, place: i32): void {
  const value = load<f32>(x + ((<usize>column) << 2));
  let at = (<usize>place) << 2;
  for (; at > 0 && value > load<f32>(values + at - 4); at -= 4) {
    store<f32>(values + at, load<f32>(values + at - 4));
    store<i32>(indices + at, load<i32>(indices + at - 4));
  }
  store<f32>(values + at, value);
  store<i32>(indices + at, column);
}
