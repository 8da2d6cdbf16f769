import { Band } from "./charts/band.tsx";
import { Confirm } from "./drawer/confirm.tsx";
import { Drawer } from "./drawer/drawer.tsx";
import { Header } from "./frame/header.tsx";
import { Loading } from "./frame/loading.tsx";
import { Login } from "./frame/login.tsx";
import { Shortcuts } from "./frame/shortcuts.tsx";
import { Tabs } from "./frame/tabs.tsx";
import { Toaster } from "./parts/toaster.tsx";
import { Signals } from "./signals/section.tsx";
import { gone, link } from "./state/link.ts";
import { phone, tab } from "./state/layout.ts";
import { subject } from "./state/view.ts";
import { Connections } from "./table/connections.tsx";

/** The page: one sheet of four columns, or the login. */
export function App() {
  if (link.value.kind === "login") return <Login />;
  const on = (name: string) => !phone.value || tab.value === name;
  const covered = phone.value && subject.value !== null;
  return (
    <div
      class="app"
      data-gone={gone.value}
      data-drawer={subject.value !== null}
    >
      {/* The keys must not lead behind a drawer that fills the screen. */}
      <div class="ground" inert={covered}>
        <Header />
        <main class="sheet">
          {on("overview") && <Band />}
          {on("connections") && <Connections />}
          {on("signals") && <Signals />}
          <Loading />
        </main>
        {phone.value && <Tabs />}
      </div>
      <Drawer />
      <Confirm />
      <Shortcuts />
      <Toaster />
    </div>
  );
}
