// The content of a mail, in two forms. It contains no user input except the recipient's address.

export interface Mail {
  /** One plain address. */
  readonly to: string;
  readonly subject: string;
  readonly paragraphs: readonly string[];
  /** Shown after the first paragraph. */
  readonly link?: { readonly label: string; readonly url: string };
}

/** One mailbox without display name, comment, route, quoting or white space, so that it cannot inject headers. */
const MAILBOX = /^[^\s\p{C}<>()[\],;:"\\@]{1,64}@[^\s\p{C}<>()[\],;:"\\@]{1,253}$/u;

/** `address` itself, if it is one plain mailbox; otherwise throws, without repeating it. */
export function mailbox(address: string): string {
  if (!MAILBOX.test(address)) throw new TypeError('This is not one plain e-mail address');
  return address;
}

/** Signed with the name of the service, as is the other form. */
export function textOf({ paragraphs, link }: Mail, serviceName: string): string {
  const [first = '', ...rest] = paragraphs;
  return `${[first, ...(link ? [link.url] : []), ...rest].join('\n\n')}\n\n-- \n${serviceName}\n`;
}

export function htmlOf({ subject, paragraphs, link }: Mail, serviceName: string): string {
  const [first = '', ...rest] = paragraphs.map((paragraph) => `<p>${escaped(paragraph)}</p>`);
  const anchor = link ? [`<p><a href="${escaped(link.url)}">${escaped(link.label)}</a></p>`] : [];
  const body = [first, ...anchor, ...rest].join('\n');
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escaped(subject)}</title></head>
<body style="font:16px/1.5 system-ui,sans-serif;max-width:36rem">
${body}
<p style="color:#777">${escaped(serviceName)}</p>
</body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
