/** The path in a relative specifier or URL: without query and fragment, `%20` as the blank that it stands for. */
export function specifierPath(specifier: string): string {
  const path = specifier.replace(/[?#].*$/s, '');
  try {
    return decodeURIComponent(path);
  } catch {
    // No URL: Node says so when the stage runs.
    return path;
  }
}
