/** The ramps, shade 0 lightest to 9 darkest; with tokens.css the only raw colours. */
const shades = (words: string): readonly string[] => words.split(" ").map((word) => `#${word}`);

export const ramps = {
  iris: shades("f4f2ff e6e2fe cdc5fb b1a5f7 9a8af2 8573ec 6f5be0 5b47d1 4938ab 372a82"),
  ink: shades("fafafb f4f4f6 ebebf0 e0e0e7 cdcdd8 a6a6b4 7d7d8b 5d5d6b 42424f 20202b"),
  amber: shades("fff7e8 ffedc9 fddb97 fac65e f4b02f e59a12 c17d05 915c04 6c4407 4a2f07"),
  sky: shades("eaf5fe d3e9fc a6d2f8 74b8f2 469fe9 2287d8 126db6 0f5890 0e456f 0b314f"),
  coral: shades("fff0ee ffdfda fec0b8 fa9a8e f27768 e45a49 c74130 a13226 7b271e 551c16"),
  jade: shades("eaf8f1 d2f0e0 a4dfc1 70cb9f 43b580 249a64 177a4e 13603f 104b32 0b3424"),
  orchid: shades("fdf0fa fadff3 f3bee6 e998d5 dc72c2 c951ab a93a8e 882e73 682458 48193d"),
  dark: shades("d9d9e3 b4b4c2 8f8fa0 66667a 46465a 343445 262634 1c1c28 15151f 0f0f17"),
};
