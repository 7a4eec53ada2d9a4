const TOKEN =
  /(?:[{}[\],:]|"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/uy;

/**
 * Offset of the first token at which a text stops being JSON, for texts that `JSON.parse` has refused: its messages
 * name a position only sometimes. The end of the text when something is missing there.
 */
export function findJsonFault(text: string): number {
  const open: ('{' | '[')[] = [];
  let expects: 'value' | 'first' | 'key' | 'colon' | 'comma' | 'end' = 'value';
  for (let offset = 0; ;) {
    while (/\s/.test(text.charAt(offset))) offset++;
    TOKEN.lastIndex = offset;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) return offset;
    const inMap = open.at(-1) === '{';
    const closes = token === '}' ? inMap : token === ']' ? open.at(-1) === '[' : false;
    if (closes && (expects === 'comma' || expects === 'first')) {
      open.pop();
      expects = open.length === 0 ? 'end' : 'comma';
    } else if (expects === 'comma' && token === ',') expects = inMap ? 'key' : 'value';
    else if (expects === 'colon' && token === ':') expects = 'value';
    else if ((expects === 'key' || (expects === 'first' && inMap)) && token.startsWith('"'))
      expects = 'colon';
    else if ((expects === 'value' || (expects === 'first' && !inMap)) && !/^[}\],:]/.test(token)) {
      const opens = token === '{' || token === '[';
      if (opens) open.push(token);
      expects = opens ? 'first' : open.length === 0 ? 'end' : 'comma';
    } else return offset;
    offset += token.length;
  }
}
