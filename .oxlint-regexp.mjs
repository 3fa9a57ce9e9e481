// A plugin of oxlint: every regular expression takes a time that is linear in its text, whatever the text is. The rule is stricter than
// it would have to be, so that it needs no search for an attack and takes next to no time.
import { RegExpParser, visitRegExpAST } from '@eslint-community/regexpp';
import { getConsumedChars, getFirstConsumedCharAfter } from 'regexp-ast-analysis';
import scslre from 'scslre';

const parser = new RegExpParser({ ecmaVersion: 2025 });

/** Why the expression may take longer than its text is long; undefined: it cannot. */
export function superlinear(source, flags) {
  const { flags: parsedFlags, pattern } = parse(source, flags);
  for (const { type } of scslre.analyse({ source, flags }).reports) {
    if (type !== 'Move') return 'a text of one repeated character can be matched in several ways';
    return 'a long run of characters is tried again from each of them: anchor it, or bound the repetition';
  }
  for (const alternative of pattern.alternatives) {
    const problem = problemOf(alternative, parsedFlags);
    if (problem) return problem;
  }
  return undefined;
}

function parse(source, flags) {
  const unicode = flags.includes('u');
  const unicodeSets = flags.includes('v');
  return {
    pattern: parser.parsePattern(source, 0, source.length, { unicode, unicodeSets }),
    flags: parser.parseFlags(flags),
  };
}

function problemOf(alternative, flags) {
  const anchored = flags.sticky || isAnchored(alternative, flags);
  const start = alternative.elements[0] && getConsumedChars(alternative.elements[0], flags).chars;
  let ambiguous = 0;
  let problem;
  visitRegExpAST(alternative, {
    onQuantifierEnter(quantifier) {
      if (quantifier.max <= 1) return;
      const nested = isRepeated(quantifier.parent, alternative);
      const chars = getConsumedChars(quantifier.element, flags).chars;
      const after = getFirstConsumedCharAfter(quantifier, 'ltr', flags);
      const overlaps = quantifier.min !== quantifier.max && !chars.isDisjointWith(after.char);
      if (nested && overlaps) problem ??= 'a repetition within a repetition can end in several places';
      if (quantifier.max !== Infinity) return;
      if (ambiguous > 0) problem ??= 'a repetition follows one that can end in several places';
      if (overlaps) ambiguous += 1;
      const canFail = !isLast(quantifier, alternative);
      if (!anchored && canFail && (!start || !start.isDisjointWith(chars))) {
        problem ??= 'it is tried again from each character of a repetition: anchor it, or bound the repetition';
      }
    },
  });
  return problem;
}

function isAnchored({ elements: [first] }, flags) {
  if (first?.type === 'Assertion') return first.kind === 'start' && !flags.multiline;
  if (first?.type !== 'Group' && first?.type !== 'CapturingGroup') return false;
  return first.alternatives.every((alternative) => isAnchored(alternative, flags));
}

function isRepeated(node, root) {
  for (let at = node; at && at !== root; at = at.parent) if (at.type === 'Quantifier' && at.max > 1) return true;
  return false;
}

/** Whether nothing stands behind it that a text could lack. */
function isLast(node, root) {
  for (let at = node; at !== root; at = at.parent) {
    if (at.parent.type === 'Alternative' && at.parent.elements.at(-1) !== at) return false;
    if (at.type === 'Assertion') return false;
    if (at !== node && at.type === 'Quantifier' && at.max > 1) return false;
  }
  return true;
}

const linear = {
  create(context) {
    const check = (node, source, flags) => {
      const problem = superlinear(source, flags);
      if (problem)
        context.report({ node, message: `This expression may take longer than its text is long: ${problem}.` });
    };
    const construct = (node) => {
      if (node.callee.type !== 'Identifier' || node.callee.name !== 'RegExp') return;
      const [source, flags] = node.arguments;
      if (source?.type === 'Literal' && typeof source.value === 'string' && (!flags || flags.type === 'Literal')) {
        check(node, source.value, flags?.value ?? '');
      } else {
        context.report({
          node,
          message: 'An expression that is put together cannot be checked: write it as a literal.',
        });
      }
    };
    return {
      Literal(node) {
        if (node.regex) check(node, node.regex.pattern, node.regex.flags);
      },
      NewExpression: construct,
      CallExpression: construct,
    };
  },
};

export default { meta: { name: 'regexp' }, rules: { linear } };
