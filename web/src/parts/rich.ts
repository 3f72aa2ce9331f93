// The HTML of other clients as a tree of the few kinds of pieces that a message may have. DOMPurify reads it; what is
// shown is built anew from this tree, so that nothing of it ever reaches the page as HTML. Spec: m.room.message msgtypes.
import DOMPurify from "dompurify";

export type Rich =
  | { kind: "text"; text: string }
  | { kind: "link"; href: string; children: Rich[] }
  | { kind: "mention"; children: Rich[] }
  | { kind: "spoiler"; reason: string; children: Rich[] }
  | { kind: "code"; language: string; text: string }
  | { kind: "heading"; children: Rich[] }
  | { kind: "list"; start: number; children: Rich[] }
  | { kind: "plain"; tag: Plain; children: Rich[] };

const PLAIN = ["b", "strong", "i", "em", "u", "s", "del", "sup", "sub", "p", "div", "blockquote", "ul", "li", "code", "br", "hr"] as const;
type Plain = (typeof PLAIN)[number];
const HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"];
const ALLOWED_TAGS = [...PLAIN, ...HEADINGS, "a", "ol", "pre", "span"];
const ALLOWED_ATTR = ["href", "start", "class", "data-mx-spoiler"];
// Of everything else the letters are kept; of these nothing.
const FORBID_CONTENTS = ["mx-reply", "script", "style", "template", "iframe", "noscript", "title", "textarea", "select", "math", "svg"];

const NODES_MAX = 2_000;
const DEPTH_MAX = 30;
const LIST_START_MAX = 100_000;
const LINK = /^(?:https?:\/\/|mailto:)/i;
const PERSON = /^https:\/\/matrix\.to\/#\/(?:@|%40)/;
const LANGUAGE = /(?:^|\s)language-([\w+#-]{1,30})(?:\s|$)/;

/** Null: it is too large a thing to show; the plain text stands for it. */
export function richOf(html: string): Rich[] | null {
  const fragment = DOMPurify.sanitize(html, {
    RETURN_DOM_FRAGMENT: true,
    ALLOWED_TAGS,
    ALLOWED_ATTR,
    FORBID_CONTENTS,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  });
  const budget = { nodes: NODES_MAX };
  const tree = childrenOf(fragment, 0, budget);
  return budget.nodes < 0 ? null : tree;
}

function childrenOf(parent: Node, depth: number, budget: { nodes: number }): Rich[] {
  if (depth > DEPTH_MAX) return [{ kind: "text", text: parent.textContent ?? "" }];
  return [...parent.childNodes].flatMap((node) => (--budget.nodes < 0 ? [] : pieceOf(node, depth, budget)));
}

function pieceOf(node: Node, depth: number, budget: { nodes: number }): Rich[] {
  if (node instanceof Text) return [{ kind: "text", text: node.data }];
  if (!(node instanceof Element)) return [];
  const tag = node.localName;
  if (tag === "pre") return [{ kind: "code", language: languageOf(node), text: node.textContent ?? "" }];
  const children = childrenOf(node, depth + 1, budget);
  if (tag === "a") return linkOf(node.getAttribute("href") ?? "", children);
  if (tag === "span") return spoilerOf(node, children);
  if (tag === "ol") return [{ kind: "list", start: startOf(node), children }];
  if (HEADINGS.includes(tag)) return [{ kind: "heading", children }];
  const plain = PLAIN.find((each) => each === tag);
  return plain ? [{ kind: "plain", tag: plain, children }] : children;
}

function linkOf(href: string, children: Rich[]): Rich[] {
  if (PERSON.test(href)) return [{ kind: "mention", children }];
  return LINK.test(href) ? [{ kind: "link", href, children }] : children;
}

function spoilerOf(node: Element, children: Rich[]): Rich[] {
  const reason = node.getAttribute("data-mx-spoiler");
  return reason === null ? children : [{ kind: "spoiler", reason: reason.slice(0, 100), children }];
}

function startOf(node: Element): number {
  const start = Number(node.getAttribute("start") ?? 1);
  return Number.isSafeInteger(start) && Math.abs(start) <= LIST_START_MAX ? start : 1;
}

function languageOf(node: Element): string {
  const code = node.querySelector("code");
  return LANGUAGE.exec(code?.getAttribute("class") ?? "")?.[1] ?? "";
}
