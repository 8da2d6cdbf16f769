/** What a person typed. */
export type Typed =
  | { readonly kind: "nothing" }
  | { readonly kind: "broadcast"; readonly text: string }
  | { readonly kind: "users" }
  | { readonly kind: "pm"; readonly name: string; readonly text: string }
  | { readonly kind: "quit" }
  | { readonly kind: "help" }
  /** A command that is none, or lacks something: what to say about it. */
  | { readonly kind: "wrong"; readonly problem: string };

/** What the commands do, for people. */
export const HELP = `/users            who is here
/pm NAME text     write to one user, end-to-end encrypted
/quit             leave
/help             show this
anything else     write to everybody`;

/** Reads a line that a person typed. */
export function readTyped(line: string): Typed {
  const text = line.trim();
  if (text === "") return { kind: "nothing" };
  if (!text.startsWith("/")) return { kind: "broadcast", text };
  const [command = "", name, ...rest] = text.split(/\s+/);
  switch (command) {
    case "/users":
    case "/quit":
    case "/help":
      return name === undefined
        ? { kind: command.slice(1) as "users" | "quit" | "help" }
        : wrong(`${command} takes nothing after it`);
    case "/pm": {
      if (name === undefined || rest.length === 0) {
        return wrong("Write /pm NAME text");
      }
      // The text as it was typed: its spaces are the writer's own.
      const after = text.slice(command.length).trimStart();
      return { kind: "pm", name, text: after.slice(name.length).trimStart() };
    }
    default:
      return wrong(`There is no ${command}; /help shows what there is`);
  }
}

function wrong(problem: string): Typed {
  return { kind: "wrong", problem };
}
