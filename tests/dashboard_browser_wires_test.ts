import { assertEquals } from "@std/assert";
import { ChatClient, ChatServer } from "../chat.ts";
import { PacketClient, PacketServer } from "../packet.ts";
import { SegmentClient, SegmentServer } from "../segment.ts";
import { Scene } from "./support/scene.ts";
import { browserTest, Tab } from "./support/tab.ts";

browserTest("a connection of each wire, on one page", async (browser) => {
  await using scene = await Scene.start();
  const { monitor } = scene.server;
  await using packet = new PacketServer({ monitor, port: 0 });
  await using segment = new SegmentServer({ monitor, port: 0 });
  await using chat = new ChatServer({ monitor, port: 0 });
  for (const server of [packet, segment, chat]) await server.start();
  await scene.client("mill").request({ path: "/ECHO" });
  await scene.client("", "classic").request({ path: "/ECHO" });
  await using packets = new PacketClient({ port: packet.address.port });
  await packets.connect();
  await packets.send(new Uint8Array(10));
  await using segments = new SegmentClient({ port: segment.address.port });
  await segments.send("hello");
  await using ada = new ChatClient({ port: chat.address.port, name: "ada" });
  await ada.connect();

  await using tab = await Tab.open(browser, scene.sidecar.url);
  await tab.live();
  for (const wire of ["session", "classic", "packet", "segment", "chat"]) {
    const cell = tab.page.locator("#connections-grid [data-id]")
      .filter({ hasText: wire });
    await cell.first().waitFor();
    assertEquals(await cell.count(), 1, wire);
    await tab.shows(wire, ".header, header");
  }
});
