// y = x combined along some axes. An output element is a row: its invocations start at the offset of the kept (outer)
// axes and walk the reduced (inner) ones, LANES apart. See src/kernels/row-kernels.ts for LANES and ROWS.
const LANES: u32 = 64u;
const ROWS: u32 = 1u;
const OUTER_AXES: u32 = 1u;
const INNER_AXES: u32 = 1u;
const INITIAL: f32 = 0.0;
// Partial sums of this many elements are added up, which keeps the rounding of long sums small.
const BLOCK: u32 = 64u;

struct Params {
  count: u32,
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

var<workgroup> partial: array<f32, LANES * ROWS>;

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

@compute @workgroup_size(LANES, ROWS)
fn main(
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let row = (group.x + group.y * groups.x) * ROWS + local.y;
  // Rows past the end recompute the last one: all invocations must reach the barriers.
  let base = outerOffset(min(row, params.count - 1u));
  var total = INITIAL;
  for (var start = local.x; start < params.columns; start += BLOCK * LANES) {
    var block = INITIAL;
    let end = min(start + BLOCK * LANES, params.columns);
    for (var column = start; column < end; column += LANES) {
      block = combine(block, x[base + innerOffset(column)]);
    }
    total = combine(total, block);
  }
  if (LANES > 1u) {
    let slot = local.y * LANES + local.x;
    partial[slot] = total;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
      if (local.x < half) {
        partial[slot] = combine(partial[slot], partial[slot + half]);
      }
      workgroupBarrier();
    }
    total = partial[slot];
  }
  if (local.x == 0u && row < params.count) {
    y[row] = total * params.scale;
  }
}
