// Hook of elements.wgsl: each row of x times the matrix of its number; the strides say whether the matrix is transposed.
struct Params {
  matrices: u32,
  depth: u32,
  columns: u32,
  down: u32,
  across: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> matrices: array<f32>;
// Bound as unsigned: a negative number is then a large one, of no matrix either.
@group(0) @binding(2) var<storage, read> choice: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn element(index: u32) {
  let row = index / params.columns;
  let number = choice[row];
  var sum = 0.0;
  if (number < params.matrices) {
    var at = number * params.depth * params.columns + index % params.columns * params.across;
    for (var i = 0u; i < params.depth; i++) {
      sum += x[row * params.depth + i] * matrices[at];
      at += params.down;
    }
  }
  y[index] = sum;
}
