import { KernelError } from '../op/errors.ts';
import type { Launch } from '../op/op.ts';
import type { SpecialisedSource } from './specialise.ts';
import { structFields } from './wgsl-declarations.ts';

type ScalarType = 'u32' | 'i32' | 'f32';

interface UniformField {
  readonly name: string;
  readonly type: ScalarType;
  readonly offset: number;
  /** Numbers that the field holds. */
  readonly count: number;
}

/** Where each field of a uniform struct lies, by the alignment rules of WGSL's uniform address space. */
export interface UniformLayout {
  readonly bytes: number;
  readonly fields: readonly UniformField[];
}

const SUFFIX: Readonly<Record<string, ScalarType>> = { u: 'u32', i: 'i32', f: 'f32' };

/** Lays out the struct named `structName`; throws KernelError naming file and field for a type it does not know. */
export function uniformLayout(structName: string, source: SpecialisedSource): UniformLayout {
  const declaration = source.declarations.get(structName);
  if (declaration?.kind !== 'struct') {
    throw new KernelError(`${source.name}: the uniform's type ${structName} is not a struct of this shader`);
  }
  const fields: UniformField[] = [];
  let end = 0;
  let structAlignment = 4;
  for (const { name, type: written } of structFields(declaration, source.name)) {
    const type = resolveType(written, source, `${structName}.${name}`);
    const offset = roundUp(end, type.alignment);
    fields.push({ name, type: type.scalar, offset, count: type.count });
    end = offset + type.count * 4;
    structAlignment = Math.max(structAlignment, type.alignment);
  }
  return { bytes: roundUp(end, Math.max(16, structAlignment)), fields };
}

interface FieldType {
  readonly scalar: ScalarType;
  readonly count: number;
  readonly alignment: number;
}

function resolveType(text: string, source: SpecialisedSource, field: string): FieldType {
  if (text === 'u32' || text === 'i32' || text === 'f32') return { scalar: text, count: 1, alignment: 4 };
  const vector = /^vec([24])(?:<(u32|i32|f32)>|([uif]))$/.exec(text);
  if (vector) {
    const count = Number(vector[1]);
    return { scalar: (vector[2] as ScalarType) ?? SUFFIX[vector[3]], count, alignment: count * 4 };
  }
  const array = /^array<(.+),(\w+)>$/.exec(text);
  if (array) {
    const element = resolveType(array[1], source, field);
    // The uniform address space wants an array stride of 16, which only vec4 fills without gaps.
    if (element.count === 4) {
      return { ...element, count: 4 * arrayLength(array[2], source, field) };
    }
  }
  const alias = source.declarations.get(text);
  if (alias?.kind === 'alias') {
    const type = alias.text.slice(alias.text.indexOf('=') + 1, -1).replace(/\s+/g, '');
    return resolveType(type, source, field);
  }
  throw new KernelError(
    `${source.name}: ${field} is ${text}; uniforms are u32, i32, f32, vec2 or vec4 of them, or arrays of vec4`,
  );
}

function arrayLength(text: string, source: SpecialisedSource, field: string): number {
  const constant = source.declarations.get(text);
  const digits = constant?.kind === 'const' ? constant.text.slice(constant.text.indexOf('=') + 1, -1) : text;
  const length = Number(digits.trim().replace(/[ui]$/, ''));
  if (!Number.isInteger(length) || length < 1) {
    throw new KernelError(`${source.name}: cannot tell the length ${text} of the array ${field}`);
  }
  return length;
}

function roundUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/**
 * Writes the uniforms into `target` from `offset` on. Throws KernelError naming `file` where a field is missing,
 * unknown, of another length, or a number does not fit its type.
 */
export function packUniforms(
  layout: UniformLayout,
  uniforms: NonNullable<Launch['uniforms']>,
  target: DataView,
  offset: number,
  file: string,
): void {
  for (const field of layout.fields) {
    const given = uniforms[field.name];
    if (given === undefined) throw new KernelError(`${file}: the uniform ${field.name} is not given`);
    if (typeof given === 'number') {
      if (field.count !== 1) throw lengthError(file, field, 1);
      writeNumber(target, offset + field.offset, field, given, file);
      continue;
    }
    if (given.length !== field.count) throw lengthError(file, field, given.length);
    for (let index = 0; index < given.length; index++) {
      writeNumber(target, offset + field.offset + 4 * index, field, given[index], file);
    }
  }
  for (const name in uniforms) {
    if (!layout.fields.some((field) => field.name === name)) {
      throw new KernelError(`${file}: has no uniform ${name}; its fields are ${fieldNames(layout)}`);
    }
  }
}

function lengthError(file: string, field: UniformField, given: number): KernelError {
  return new KernelError(`${file}: the uniform ${field.name} takes ${field.count} number(s), given ${given}`);
}

function fieldNames(layout: UniformLayout): string {
  return layout.fields.map((field) => field.name).join(', ');
}

function writeNumber(target: DataView, at: number, field: UniformField, value: number, file: string): void {
  if (field.type === 'f32' && Number.isFinite(value)) target.setFloat32(at, value, true);
  else if (field.type === 'i32' && (value | 0) === value) target.setInt32(at, value, true);
  else if (field.type === 'u32' && value >>> 0 === value) target.setUint32(at, value, true);
  else throw new KernelError(`${file}: the uniform ${field.name} is ${field.type}; it cannot hold ${value}`);
}
