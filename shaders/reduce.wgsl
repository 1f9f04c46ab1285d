// Hook of row-reduction.wgsl: x combined along some axes. An output element is a row: it starts at the offset of the
// kept (outer) axes and walks the reduced (inner) ones.
const LANES: u32 = 64u;
const OUTER_AXES: u32 = 1u;
const INNER_AXES: u32 = 1u;
const INITIAL: f32 = 0.0;
// Partial sums of this many elements are added up, which keeps the rounding of long sums small.
const BLOCK: u32 = 64u;

alias Partial = f32;

struct Params {
  columns: u32,
  scale: f32,
  outerShape: array<vec4<u32>, 2>,
  outerStrides: array<vec4<u32>, 2>,
  innerShape: array<vec4<u32>, 2>,
  innerStrides: array<vec4<u32>, 2>,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

fn combine(a: f32, b: f32) -> f32 {
  return a + b;
}

fn outerOffset(index: u32) -> u32 {
  var rest = index;
  var offset = 0u;
  for (var axis = OUTER_AXES - 1u; axis > 0u; axis--) {
    let size = params.outerShape[axis / 4u][axis % 4u];
    offset += (rest % size) * params.outerStrides[axis / 4u][axis % 4u];
    rest /= size;
  }
  return offset + rest * params.outerStrides[0].x;
}

fn innerOffset(index: u32) -> u32 {
  var rest = index;
  var offset = 0u;
  for (var axis = INNER_AXES - 1u; axis > 0u; axis--) {
    let size = params.innerShape[axis / 4u][axis % 4u];
    offset += (rest % size) * params.innerStrides[axis / 4u][axis % 4u];
    rest /= size;
  }
  return offset + rest * params.innerStrides[0].x;
}

fn walk(row: u32, lane: u32) -> Partial {
  let base = outerOffset(row);
  var total = INITIAL;
  for (var start = lane; start < params.columns; start += BLOCK * LANES) {
    var block = INITIAL;
    let end = min(start + BLOCK * LANES, params.columns);
    for (var column = start; column < end; column += LANES) {
      block = combine(block, x[base + innerOffset(column)]);
    }
    total = combine(total, block);
  }
  return total;
}

fn finish(row: u32, lane: u32, whole: Partial) {
  if (lane == 0u) {
    y[row] = whole * params.scale;
  }
}
