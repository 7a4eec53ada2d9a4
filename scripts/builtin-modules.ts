import { isBuiltin } from 'node:module';
import { parse } from 'acorn';
import type { ImportDeclaration } from 'acorn';

/**
 * The text of a built file with Node's own modules taken by `process.getBuiltinModule` instead of `import`: an `import`
 * reads every export of a module, and so loads all that Node itself loads on demand (numbers in
 * docs/decisions/0007-nothing-to-do.md). Like imports they come before everything else.
 */
export function loadBuiltinsDirectly(text: string): string {
  const { body } = parse(text, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true });
  const found = body.filter(
    (node): node is ImportDeclaration =>
      node.type === 'ImportDeclaration' && isBuiltin(String(node.source.value)),
  );
  let rest = '';
  let from = 0;
  for (const { start, end } of found) {
    rest += text.slice(from, start);
    from = end;
  }
  return `${found.map(toConstant).join('')}${rest}${text.slice(from)}`;
}

function toConstant({ source, specifiers }: ImportDeclaration): string {
  const module = `process.getBuiltinModule(${JSON.stringify(source.value)})`;
  const lines: string[] = [];
  const named: string[] = [];
  for (const one of specifiers) {
    const local = one.local.name;
    if (one.type !== 'ImportSpecifier') lines.push(`const ${local} = ${module};\n`);
    else if (one.imported.type !== 'Identifier')
      throw new Error(`an import of "${source.value}" has no name`);
    else named.push(one.imported.name === local ? local : `${one.imported.name}: ${local}`);
  }
  if (named.length > 0) lines.push(`const { ${named.join(', ')} } = ${module};\n`);
  return lines.join('');
}
