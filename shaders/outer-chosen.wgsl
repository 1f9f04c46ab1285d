// Hook of elements.wgsl: outer products of the rows of a and b, added up by number. An invocation owns an element of a
// matrix and walks the rows in order.
struct Params {
  rows: u32,
  k: u32,
  m: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
// Bound as unsigned: a negative number is then a large one, of no matrix either.
@group(0) @binding(2) var<storage, read> choice: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn element(index: u32) {
  let column = index % params.m;
  let line = index / params.m % params.k;
  let number = index / params.m / params.k;
  var sum = 0.0;
  for (var row = 0u; row < params.rows; row++) {
    if (choice[row] == number) {
      sum += a[row * params.k + line] * b[row * params.m + column];
    }
  }
  y[index] = sum;
}
