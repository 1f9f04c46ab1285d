// The shaders as texts: parsing, specialising, uniform layout, and every file through Dawn's null backend, which
// compiles and validates and needs no adapter.
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { KernelError } from '../src/kernels/op/errors.ts';
import type { Shader } from '../src/kernels/op/op.ts';
import { deviceDescriptor } from '../src/kernels/webgpu/adapter-facts.ts';
import { openGpu } from '../src/kernels/webgpu/gpu.node.ts';
import { reflect } from '../src/kernels/webgpu/shader-interface.ts';
import { specialise } from '../src/kernels/webgpu/specialise.ts';
import { packUniforms, uniformLayout } from '../src/kernels/webgpu/uniforms.ts';
import { parseDeclarations } from '../src/kernels/webgpu/wgsl-declarations.ts';
import { errorOf } from './errors.ts';

const shader: Shader = {
  name: 'scale.wgsl',
  source: `// y = FACTOR * x; a brace { in a comment
    enable f16;
    const FACTOR: f32 = 2.0; const COUNT: u32 = 3u;
    alias Element = f32;
    struct Params { count: u32, /* nested /* comment; */ } */ shift: f32 }
    @group(0) @binding(0) var<storage, read> x: array<Element>;
    @group(0) @binding(1) var<storage, read_write> y: array<Element>;
    @group(1) @binding(0) var<uniform> params: Params;
    const_assert COUNT > 0u;
    fn operation(v: Element) -> Element { if (v > 0.0) { return v * FACTOR; } return v; }
    @compute @workgroup_size(COUNT, (1 + 1))
    fn main(@builtin(global_invocation_id) id: vec3<u32>) { y[id.x] = operation(x[id.x]) + params.shift; }`,
};

test('a file is split into its declarations, whatever its comments say', () => {
  const found = parseDeclarations(shader.source, shader.name).map(({ kind, name }) => `${kind} ${name}`);
  assert.equal(found, [
    'directive enable f16;',
    'const FACTOR',
    'const COUNT',
    'alias Element',
    'struct Params',
    'var x',
    'var y',
    'var params',
    'assertion const_assert COUNT > 0u;',
    'fn operation',
    'fn main',
  ]);
});

test('a broken file is refused by name', async () => {
  for (const source of ['fn a() {', 'fn a() }', '/* open', 'const A = 1', 'what is this;']) {
    const { message } = await errorOf(KernelError, () => parseDeclarations(source, 'broken.wgsl'));
    assert.match(message, /^broken\.wgsl: /);
  }
});

test('constants and hooks replace declarations by name, the rest stays', () => {
  const hook = {
    name: 'hook.wgsl',
    source: 'fn operation(v: f32) -> f32 { return other(v); } fn other(v: f32) -> f32 { return -v; }',
  };
  const { text, name } = specialise({
    shader,
    hooks: [hook],
    constants: { FACTOR: 3, COUNT: 8, Element: 'i32' },
  });
  assert.is(name, 'scale.wgsl + hook.wgsl');
  assert.match(text, 'const FACTOR: f32 = 3;');
  assert.match(text, 'const COUNT: u32 = 8;');
  assert.match(text, 'alias Element = i32;');
  assert.match(text, 'return other(v);');
  assert.match(text, 'return -v;');
  assert.not.match(text, 'v * FACTOR');
  assert.ok(text.startsWith('enable f16;'));
  assert.match(text, '@compute @workgroup_size(COUNT, (1 + 1))');
});

test('joins the fields of `struct Params` of a shader and its hooks', async () => {
  const hook = (fields: string) => ({ name: 'hook.wgsl', source: `struct Params { ${fields} }` });
  const layoutOf = (fields: string) => reflect(specialise({ shader, hooks: [hook(fields)] })).uniforms;
  assert.equal(
    layoutOf('shift: f32, size: vec2<u32>')?.fields.map(({ name, offset }) => [name, offset]),
    [
      ['count', 0],
      ['shift', 4],
      ['size', 8],
    ],
  );
  const { message } = await errorOf(KernelError, () => layoutOf('shift: i32'));
  assert.is(
    message,
    'scale.wgsl + hook.wgsl: the uniform shift is f32 and i32; declare it alike in all files',
  );
});

test('an impossible constant is refused by file and name', async () => {
  const impossible: Record<string, number>[] = [
    { MISSING: 1 },
    { operation: 1 },
    { Element: 1 },
    { COUNT: -1 },
    { COUNT: 1.5 },
    { FACTOR: Number.POSITIVE_INFINITY },
  ];
  for (const constants of impossible) {
    const { message } = await errorOf(KernelError, () => specialise({ shader, constants }));
    assert.match(message, 'scale.wgsl');
    assert.match(message, Object.keys(constants)[0]);
  }
});

test('bindings and uniforms are read off the declarations', async () => {
  const { bindings, uniforms } = reflect(specialise({ shader }));
  assert.equal(bindings, ['read', 'read_write']);
  assert.equal(uniforms?.bytes, 16);
  const gap = { name: 'gap.wgsl', source: '@group(0) @binding(1) var<storage> x: array<f32>;' };
  assert.match((await errorOf(KernelError, () => reflect(specialise({ shader: gap })))).message, /binding 0/);
  const misplaced = { name: 'group.wgsl', source: '@group(2) @binding(0) var<storage> x: array<f32>;' };
  const { message } = await errorOf(KernelError, () => reflect(specialise({ shader: misplaced })));
  assert.match(message, /group\.wgsl.*group 2/);
});

const uniformsOf = (fields: string) =>
  uniformLayout(
    'P',
    specialise({ shader: { name: 'p.wgsl', source: `const N: u32 = 2u; struct P { ${fields} }` } }),
  );

test('uniforms lie where WGSL puts them', () => {
  const offsets = (fields: string) => uniformsOf(fields).fields.map(({ offset }) => offset);
  // Offsets as the WGSL specification's table "Alignment and size" gives them.
  assert.equal(offsets('a: u32, b: vec4<f32>, c: i32, d: array<vec4<u32>, 2>, e: f32'), [0, 16, 32, 48, 80]);
  assert.equal(offsets('a: f32, b: vec2<i32>, c: u32, d: vec2u, e: vec4f'), [0, 8, 16, 24, 32]);
  assert.is(uniformsOf('a: u32, b: vec4<f32>, c: u32').bytes, 48);
  assert.equal(offsets('a: array<vec4<f32>, N>, b: u32'), [0, 32]);
});

test('a uniform of an unknown type is refused by file and field', async () => {
  for (const type of ['f16', 'mat4x4<f32>', 'array<f32, 4>', 'vec3<f32>', 'Other']) {
    const { message } = await errorOf(KernelError, () => uniformsOf(`good: u32, bad: ${type}`));
    assert.match(message, /^p\.wgsl: P\.bad/);
  }
});

test('uniforms are packed by name', () => {
  const layout = uniformsOf('count: u32, shift: i32, scale: f32, sizes: array<vec4<u32>, 2>');
  const view = new DataView(new ArrayBuffer(8 + layout.bytes));
  packUniforms(
    layout,
    { sizes: [1, 2, 3, 4, 5, 6, 7, 8], scale: 0.5, shift: -3, count: 4294967295 },
    view,
    8,
    'p',
  );
  assert.is(view.getUint32(8, true), 4294967295);
  assert.is(view.getInt32(12, true), -3);
  assert.is(view.getFloat32(16, true), 0.5);
  assert.equal(Array.from(new Uint32Array(view.buffer, 24, 8)), [1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a missing, unknown or unfitting uniform is refused by file and field', async () => {
  const layout = uniformsOf('count: u32, sizes: vec4<u32>');
  const view = new DataView(new ArrayBuffer(layout.bytes));
  const sizes = [1, 2, 3, 4];
  for (const [uniforms, named] of [
    [{ sizes }, 'count'],
    [{ count: 1, sizes, extra: 2 }, 'extra'],
    [{ count: -1, sizes }, 'count'],
    [{ count: 0.5, sizes }, 'count'],
    [{ count: 1, sizes: [1, 2] }, 'sizes'],
    [{ count: 1, sizes: 1 }, 'sizes'],
  ] as const) {
    const { message } = await errorOf(KernelError, () => packUniforms(layout, uniforms, view, 0, 'p.wgsl'));
    assert.match(message, 'p.wgsl');
    assert.match(message, named);
  }
});

const nullAdapter = await (await openGpu(['backend=null'])).requestAdapter();
assert.ok(nullAdapter);
const nullDevice = await nullAdapter.requestDevice(deviceDescriptor(nullAdapter));

async function compilationErrors(code: string): Promise<string[]> {
  nullDevice.pushErrorScope('validation');
  const { messages } = await nullDevice.createShaderModule({ code }).getCompilationInfo();
  const scope = await nullDevice.popErrorScope();
  const errors = messages.filter(({ type }) => type === 'error');
  assert.is(scope !== null, errors.length > 0, 'scope and compiler disagree');
  return errors.map(({ lineNum, message }) => `line ${lineNum}: ${message}`);
}

test('the null backend finds what is wrong with a shader', async () => {
  assert.equal(await compilationErrors('fn f() -> f32 { return 1.0; }'), []);
  const [error] = await compilationErrors('\nfn f() -> f32 { return missing; }');
  assert.match(error, /^line 2: .*missing/);
  assert.is.not((await compilationErrors('fn f() -> f32 { return 1u; }')).length, 0);
});

const files = readdirSync('shaders').filter((name) => name.endsWith('.wgsl'));
assert.ok(files.length > 20);

for (const name of files) {
  test(`${name} is valid by itself, and so are its declarations put together again`, async () => {
    const source = readFileSync(`shaders/${name}`, 'utf8');
    assert.equal(await compilationErrors(source), []);
    assert.equal(await compilationErrors(specialise({ shader: { name, source } }).text), []);
  });
}

test.after(() => nullDevice.destroy());

test.run();
