extension PictureReport {
    /// How pages look, in a light and a dark room, on a phone and on a wide screen.
    ///
    /// No `content-visibility`: of 5,000 pictures it makes loading quicker, but every picture that comes into view then
    /// lays out the whole grid anew, and scrolling stutters.
    static let style = """
        :root {
          color-scheme: light dark;
          --page: #f7f6f3; --card: #ffffff; --tile: #eeece7; --line: #dfdcd5; --text: #1d1c1a; --soft: #625f58;
          --link: #0b57a4; --mark: #3a3833; --on-mark: #ffffff; --good: #1c6b45; --on-good: #ffffff;
          --doubt: #7a4d00; --on-doubt: #ffffff;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #151413; --card: #201f1d; --tile: #2a2826; --line: #3b3835; --text: #ece9e4; --soft: #ada89f;
            --link: #8cbcff; --mark: #d8d4cc; --on-mark: #1d1c1a; --good: #7ad6a8; --on-good: #0c2318;
            --doubt: #f0c375; --on-doubt: #2a1d00;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
        header, nav, main, footer { max-width: 84rem; margin: 0 auto; padding: 0 1rem; }
        header { padding-top: 2rem; }
        footer { padding-bottom: 4rem; }
        h1 {
          margin: 0 0 .7rem; font-size: 1.9rem; line-height: 1.2; letter-spacing: -.012em; overflow-wrap: anywhere;
        }
        h2 { margin: 2.4rem 0 .5rem; font-size: 1.3rem; line-height: 1.3; overflow-wrap: anywhere; }
        h3 { margin: 0; font-size: .95rem; overflow-wrap: anywhere; }
        p { max-width: 44rem; margin: .5rem 0; overflow-wrap: anywhere; }
        a { color: var(--link); }
        :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
        :target { scroll-margin-top: 1rem; }
        .skip { position: absolute; left: -100vw; }
        .skip:focus { left: 1rem; top: .5rem; padding: .4rem .8rem; background: var(--card); }
        footer { color: var(--soft); font-size: .92rem; }
        footer h2 { color: var(--text); font-size: 1.05rem; padding-top: 1.2rem; border-top: 1px solid var(--line); }

        nav ul, .terms {
          display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; margin: 1.2rem -3px 0; padding: 3px;
          list-style: none;
        }
        nav ul { max-height: 13rem; overflow-y: auto; }
        nav li, .terms li { max-width: 100%; }
        nav a, .terms li {
          display: inline-flex; align-items: center; gap: .5rem; min-width: 0; padding: .35rem .8rem;
          border: 1px solid var(--line); border-radius: 1.2rem; background: var(--card); overflow-wrap: anywhere;
        }
        nav a { text-decoration: none; }
        nav a:hover { text-decoration: underline; }
        .terms li > span { min-width: 0; }
        .terms .sign { flex: none; font-weight: 700; }
        .terms .without { border-style: dashed; }
        .terms .weight { color: var(--soft); font-size: .88rem; }
        .terms img { width: 3.5rem; height: 3.5rem; object-fit: cover; border-radius: .5rem; }

        .pictures, .groups { margin: 1.1rem 0; padding: 0; list-style: none; }
        .pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(10rem, 45%), 1fr)); gap: .8rem; }
        .card {
          position: relative; min-width: 0; overflow: clip; border: 1px solid var(--line); border-radius: .8rem;
          background: var(--card);
        }
        .card.good { border-color: var(--good); box-shadow: 0 0 0 1px var(--good); }
        figure { margin: 0; }
        .shot, .missing {
          display: flex; align-items: center; justify-content: center; width: 100%; aspect-ratio: 1; padding: 0;
          border: 0; background: var(--tile); color: var(--soft); font: inherit; font-size: .85rem;
          text-decoration: none; cursor: zoom-in;
        }
        .missing { cursor: default; }
        .shot:focus-visible { outline-offset: -3px; }
        .shot img { display: block; width: 100%; height: 100%; object-fit: contain; }
        .mark {
          position: absolute; top: .5rem; left: .5rem; max-width: calc(100% - 1rem); padding: .05rem .55rem;
          border-radius: 1rem; background: var(--mark); color: var(--on-mark); font-size: .8rem; font-weight: 600;
          font-variant-numeric: tabular-nums; pointer-events: none;
        }
        .mark.good { background: var(--good); color: var(--on-good); }
        .mark.doubt { background: var(--doubt); color: var(--on-doubt); }
        .card figcaption { padding: .5rem .7rem .7rem; font-size: .84rem; line-height: 1.4; }
        figcaption > span { display: block; color: var(--soft); overflow-wrap: anywhere; }
        figcaption .name { color: var(--text); }
        .card .name {
          display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden;
          margin-bottom: .15rem;
        }
        .folder { color: var(--soft); }

        .groups { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 1rem; }
        .group { max-width: 100%; padding: .8rem; border: 1px solid var(--line); border-radius: 1.1rem; }
        .group .pictures { display: flex; flex-wrap: wrap; margin: .7rem 0 0; }
        .group .card { width: min(10.4rem, calc(50vw - 2.9rem)); }
        .group > p { margin: 0; color: var(--soft); font-size: .88rem; }

        .plan {
          position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .6rem;
          margin: 1rem 0; padding: .7rem 0; background: var(--page); border-bottom: 1px solid var(--line);
        }
        .plan output { min-width: 14rem; font-weight: 600; font-variant-numeric: tabular-nums; }
        .plan p { flex-basis: 100%; max-width: none; margin: 0; color: var(--soft); font-size: .88rem; }
        .plan button {
          padding: .35rem .9rem; border: 1px solid var(--line); border-radius: 1.2rem; background: var(--card);
          color: var(--text); font: inherit; cursor: pointer;
        }
        .plan button:disabled { color: var(--soft); cursor: default; }
        .choice { display: flex; align-items: center; gap: .45rem; padding: 0 .7rem .6rem; font-size: .84rem; cursor: pointer; }
        .choice input { flex: none; width: 1.1rem; height: 1.1rem; margin: 0; accent-color: var(--link); }
        .card:has(.choice input:checked) .shot img { opacity: .45; }
        .group.empty { border-color: var(--doubt); box-shadow: 0 0 0 1px var(--doubt); }
        .plan[hidden], .choice[hidden] { display: none; }

        .scroll { overflow-x: auto; margin: 1rem 0; }
        table { border-collapse: collapse; font-size: .94rem; }
        th, td {
          padding: .4rem 1rem .4rem 0; border-bottom: 1px solid var(--line); text-align: left;
          vertical-align: baseline;
        }
        th { color: var(--soft); font-weight: 600; }
        .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
        .bar {
          display: inline-block; width: 6rem; height: .6rem; margin-right: .6rem; border-radius: .3rem;
          background: linear-gradient(to right, var(--link) var(--share), var(--line) var(--share));
        }

        dialog {
          width: min(96vw, 76rem); max-width: none; max-height: 96vh; padding: 0; overflow: auto;
          border: 1px solid var(--line); border-radius: 1rem; background: var(--card); color: var(--text);
        }
        dialog::backdrop { background: rgb(0 0 0 / .72); }
        dialog img { display: block; width: 100%; height: 70vh; object-fit: contain; background: var(--tile); }
        dialog img.small { object-fit: scale-down; }
        dialog figcaption { padding: .8rem 1rem 0; }
        .tools {
          display: flex; flex-wrap: wrap; align-items: center; gap: .6rem; max-width: none; margin: 0;
          padding: .8rem 1rem 1rem;
        }
        .tools button {
          padding: .35rem .9rem; border: 1px solid var(--line); border-radius: 1.2rem; background: var(--page);
          color: var(--text); font: inherit; cursor: pointer;
        }
        .tools .place { color: var(--soft); font-variant-numeric: tabular-nums; }
        .tools .close { margin-left: auto; }

        @media print {
          .card { break-inside: avoid; }
          nav, .skip, .plan { display: none; }
        }
        """
}
