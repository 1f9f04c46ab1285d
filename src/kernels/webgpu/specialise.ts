import { KernelError } from '../op/errors.ts';
import type { Launch, Shader } from '../op/op.ts';
import { type Declaration, parseDeclarations, structFields } from './wgsl-declarations.ts';

/** What of a launch decides its source text. */
export type SourceParts = Pick<Launch, 'shader' | 'hooks' | 'constants'>;

export interface SpecialisedSource {
  /** The files it came from, for messages: `gemm.wgsl + conv2d.wgsl`. */
  readonly name: string;
  readonly text: string;
  readonly declarations: ReadonlyMap<string, Declaration>;
}

/** The struct of a launch's uniforms. */
const UNIFORMS = 'Params';

/**
 * Merges a shader, its hooks and its constants into one WGSL text. A hook's declarations replace those of the same
 * name or are added, but the fields of `struct Params` are joined; then constants set the values of `const` and `alias` declarations, the hooks' own included.
 * Throws KernelError naming the file for an unknown constant, an impossible value, a uniform of two types or a file that
 * cannot be parsed.
 */
export function specialise({ shader, hooks = [], constants = {} }: SourceParts): SpecialisedSource {
  const files = [shader, ...hooks];
  const name = files.map((file) => file.name).join(' + ');
  const declarations = new Map<string, Declaration>();
  for (const file of files) {
    for (const declaration of declarationsOf(file)) {
      const before = declaration.name === UNIFORMS ? declarations.get(UNIFORMS) : undefined;
      declarations.set(declaration.name, before ? joinFields(before, declaration, name) : declaration);
    }
  }
  for (const [constant, value] of Object.entries(constants)) {
    const declaration = declarations.get(constant);
    if (declaration?.kind !== 'const' && declaration?.kind !== 'alias') {
      const known = [...declarations.values()].filter(({ kind }) => kind === 'const' || kind === 'alias');
      throw new KernelError(
        `${name}: has no const or alias ${constant} to set; it declares ${known.map((each) => each.name).join(', ') || 'none'}`,
      );
    }
    declarations.set(constant, { ...declaration, text: setValue(declaration, value, name) });
  }
  // Directives must precede everything else; the order of the rest is free in WGSL.
  const ordered = [...declarations.values()].sort((a, b) => rank(a) - rank(b));
  return { name, text: `${ordered.map((declaration) => declaration.text).join('\n')}\n`, declarations };
}

const parsed = new Map<string, readonly Declaration[]>();

/** Files are few and their texts constant, so each is parsed once. */
function declarationsOf(file: Shader): readonly Declaration[] {
  let declarations = parsed.get(file.source);
  if (!declarations) {
    declarations = parseDeclarations(file.source, file.name);
    parsed.set(file.source, declarations);
  }
  return declarations;
}

/** The struct with the fields of both. */
function joinFields(before: Declaration, added: Declaration, file: string): Declaration {
  const types = new Map(structFields(before, file).map(({ name, type }) => [name, type]));
  for (const { name, type } of structFields(added, file)) {
    const known = types.get(name) ?? type;
    if (known !== type) {
      throw new KernelError(
        `${file}: the uniform ${name} is ${known} and ${type}; declare it alike in all files`,
      );
    }
    types.set(name, type);
  }
  const fields = [...types].map(([name, type]) => `  ${name}: ${type},\n`);
  return { ...added, text: `struct ${added.name} {\n${fields.join('')}}` };
}

function rank(declaration: Declaration): number {
  return declaration.kind === 'directive' ? 0 : 1;
}

function setValue(declaration: Declaration, value: number | string, file: string): string {
  const equals = declaration.text.indexOf('=');
  const head = declaration.text.slice(0, equals).trimEnd();
  if (typeof value === 'string') return `${head} = ${value};`;
  if (declaration.kind === 'alias') {
    throw new KernelError(`${file}: alias ${declaration.name} takes a type by name, not the number ${value}`);
  }
  const type = head.split(':')[1]?.trim();
  return `${head} = ${literal(value, type, `${file}: const ${declaration.name}`)};`;
}

function literal(value: number, type: string | undefined, what: string): string {
  if (!Number.isFinite(value))
    throw new KernelError(`${what} cannot be ${value}; WGSL knows finite numbers only`);
  if (type === 'bool') {
    if (value !== 0 && value !== 1) throw new KernelError(`${what} is a bool; it cannot be ${value}`);
    return value === 1 ? 'true' : 'false';
  }
  const integer = type === 'u32' || type === 'i32';
  if (integer && (!Number.isInteger(value) || (type === 'u32' && value < 0))) {
    throw new KernelError(`${what} is ${type}; it cannot be ${value}`);
  }
  return String(value);
}
