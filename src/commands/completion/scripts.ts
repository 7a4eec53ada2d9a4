/**
 * Shell → the script that completes `lockstep` there. Each asks `lockstep completion --words` at every key stroke, so
 * none of them has to be made again when commands, flags or the pipeline change.
 */
export const SCRIPTS: ReadonlyMap<string, string> = new Map([
  ['bash', bash()],
  ['zsh', zsh()],
  ['fish', fish()],
]);

/** A text as it stands, but that `\${` is written for `${`. */
function script(text: TemplateStringsArray): string {
  return text.raw.join('').replaceAll(String.raw`\${`, '${');
}

// Bash tells a function what it will replace ($2), which is less than the word where the word holds "=", ":" or "@".
function bash(): string {
  return script`# Completion of lockstep for bash (3.2 and newer): eval "$(lockstep completion bash)"
_lockstep() {
  local line="\${COMP_LINE:0:COMP_POINT}" current kept candidate
  local -a words
  COMPREPLY=()
  IFS=$' \t\n' read -r -a words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  # What stands before the command, such as VARIABLE=value, is no part of it.
  while (( \${#words[@]} > 1 )) && [[ \${words[0]} != "$1" ]]; do words=("\${words[@]:1}"); done
  current="\${words[\${#words[@]}-1]}"
  kept="\${current%"$2"}"
  while IFS= read -r candidate; do
    case "$candidate" in
      :files | :folders)
        compopt -o filenames 2> /dev/null
        while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done \
          < <(if [[ $candidate == :files ]]; then compgen -f -- "$2"; else compgen -d -- "$2"; fi) ;;
      *)
        candidate="\${candidate#"$kept"}"
        [[ -n $candidate ]] && printf -v candidate '%q' "$candidate"
        COMPREPLY+=("$candidate") ;;
    esac
  done < <("$1" completion --words -- "\${words[@]:1}" 2> /dev/null)
}
complete -F _lockstep lockstep
`;
}

function zsh(): string {
  return script`#compdef lockstep
# Completion of lockstep for zsh, after compinit: eval "$(lockstep completion zsh)"
_lockstep() {
  local -a found described
  local line word
  found=("\${(@f)$("\${words[1]}" completion --words --describe -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2> /dev/null)}")
  case "\${found[1]}" in
    '') return 1 ;;
    :files) [[ $PREFIX == --*=* ]] && compset -P '*='; _files; return ;;
    :folders) [[ $PREFIX == --*=* ]] && compset -P '*='; _files -/; return ;;
  esac
  for line in "\${found[@]}"; do
    word="\${line%%$'\t'*}"
    if [[ $word == $line ]]; then described+=("\${word//:/\\:}"); else described+=("\${word//:/\\:}:\${line#*$'\t'}"); fi
  done
  _describe -V 'lockstep' described
}
if [[ \${funcstack[1]} == _lockstep ]]; then _lockstep "$@"; else compdef _lockstep lockstep; fi
`;
}

function fish(): string {
  return script`# Completion of lockstep for fish: lockstep completion fish > ~/.config/fish/completions/lockstep.fish
function __lockstep_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($before[1] completion --words --describe -- $before[2..-1] "$current" 2> /dev/null)
    set -l flag (string match -r -- '^--[^=]*=' "$current")
    set -l value (string replace -r -- '^--[^=]*=' '' "$current")
    switch "$found[1]"
        case :files
            __fish_complete_path "$value" | string replace -r -- '^' "$flag"
        case :folders
            __fish_complete_directories "$value" | string replace -r -- '^' "$flag"
        case '*'
            string join \n -- $found
    end
end
complete -c lockstep -f -a '(__lockstep_complete)'
`;
}
