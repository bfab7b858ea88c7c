import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { show } from "@/test/show";
import { fromChat, fromContent, MessageCard } from ".";

describe("the one renderer", () => {
  it("shows header, marked-up text, footer and buttons, and tells which was tapped", async () => {
    const onButton = vi.fn();
    const body = fromChat({
      header: { type: "text", text: "Order B-1" },
      text: "It is *on its way*",
      footer: "Reply STOP",
      buttons: [
        { index: 0, type: "quick_reply", text: "Thanks", payload: "p" },
        { index: 1, type: "url", text: "Track", url: "https://example.com" },
      ],
    });
    show(<MessageCard body={body} mine={false} at="10:28" onButton={onButton} />);
    expect(await screen.findByText("on its way")).toHaveProperty("tagName", "B");
    expect(screen.getByText("Reply STOP")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Track" }));
    expect(onButton).toHaveBeenCalledWith(expect.objectContaining({ kind: "url", index: 1 }));
  });

  it("opens a list as a sheet with sections", async () => {
    const onRow = vi.fn();
    const body = fromChat({
      text: "Pick",
      list_button: "See times",
      rows: [
        { section: "Today", id: "r1", title: "10:00" },
        { section: "Tomorrow", id: "r2", title: "11:00", description: "last one" },
      ],
    });
    show(<MessageCard body={body} mine={false} onRow={onRow} />);
    await userEvent.click(await screen.findByRole("button", { name: "See times" }));
    await userEvent.click(screen.getByRole("button", { name: /11:00/ }));
    expect(onRow).toHaveBeenCalledWith(expect.objectContaining({ id: "r2" }));
  });

  it.each([
    [{ text: "", media: { type: "image" } }, "Picture"],
    [{ text: "", media: { type: "video" } }, "Video"],
    [{ text: "", media: { type: "sticker" } }, "Sticker"],
  ])("names a medium that it only draws", async (message, name) => {
    show(<MessageCard body={fromChat(message)} mine={false} />);
    expect(await screen.findByRole("img", { name })).toBeInTheDocument();
  });

  it("shows place, document, order, carousel and what it does not know", async () => {
    show(
      <>
        <MessageCard
          body={fromChat({ text: "[location]", location: { latitude: 1, longitude: 2, name: "Harbour" } })}
          mine
        />
        <MessageCard body={fromChat({ text: "", media: { type: "document", filename: "bill.pdf" } })} mine />
        <MessageCard
          body={fromChat({
            text: "[order]",
            order: {
              product_items: [{ product_retailer_id: "Green tea", quantity: 2, item_price: 4, currency: "EUR" }],
            },
          })}
          mine
        />
        <MessageCard
          body={fromChat({
            text: "Look",
            cards: [
              { text: "One", buttons: [] },
              { text: "Two", buttons: [] },
            ],
          })}
          mine={false}
        />
        <MessageCard body={fromChat({ text: "[poll]" })} mine />
      </>,
    );
    expect(await screen.findByText("Harbour")).toBeInTheDocument();
    expect(screen.getByText("bill.pdf")).toBeInTheDocument();
    expect(screen.getByText(/2 × Green tea/)).toBeInTheDocument();
    expect(screen.getByRole("region", { name: "2 cards" })).toBeInTheDocument();
    expect(screen.getByText(/\(poll\) is not shown/)).toBeInTheDocument();
  });

  it("folds a long text", async () => {
    show(<MessageCard body={fromContent({ type: "text", body: `${"tea ".repeat(300)}END` }, null)} mine />);
    expect(screen.queryByText(/END/)).toBeNull();
    await userEvent.click(await screen.findByRole("button", { name: "Read more" }));
    expect(screen.getByText(/END/)).toBeInTheDocument();
  });
});
