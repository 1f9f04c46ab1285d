// Multiplies and adds in registers alone: what the arithmetic of the adapter can do at most. The chains do not wait for each
// other, so that their latency is hidden; they cannot be folded, since the factors come from a buffer; and all end in
// the result, so that none can be left out.
const WORKGROUP_SIZE: u32 = 64u;
const STEPS: u32 = 64u;
const FUSED: bool = true;
alias Lane = vec4<f32>;

@group(0) @binding(0) var<storage, read> factors: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<Lane>;

fn step(a: Lane, b: Lane, c: Lane) -> Lane {
  if (FUSED) {
    return fma(a, b, c);
  }
  return a * b + c;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let factor = Lane(factors[0]);
  let addend = Lane(factors[1]);
  var x0 = Lane(f32(id.x));
  var x1 = x0 + addend;
  var x2 = x1 + addend;
  var x3 = x2 + addend;
  var x4 = x3 + addend;
  var x5 = x4 + addend;
  var x6 = x5 + addend;
  var x7 = x6 + addend;
  for (var i = 0u; i < STEPS; i++) {
    x0 = step(x0, factor, addend);
    x1 = step(x1, factor, addend);
    x2 = step(x2, factor, addend);
    x3 = step(x3, factor, addend);
    x4 = step(x4, factor, addend);
    x5 = step(x5, factor, addend);
    x6 = step(x6, factor, addend);
    x7 = step(x7, factor, addend);
  }
  sums[id.x] = (x0 + x1 + x2 + x3) + (x4 + x5 + x6 + x7);
}
