extension PictureReport {
    /// The page. It loads nothing from elsewhere, follows the reader's light or dark setting, and reads well without
    /// a mouse: Tab and Enter open a picture, arrow keys go on, Escape closes.
    public func html() -> String {
        var html = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src 'self' data: file:; \
            style-src 'unsafe-inline'; script-src 'unsafe-inline'">
            <title>\(escaped(title))</title>
            <style>\(PictureReport.style)</style>
            </head>
            <body>
            <main>
            <h1>\(escaped(title))</h1>

            """
        for paragraph in introduction { html += "<p>\(escaped(paragraph))</p>\n" }
        if sections.count > 1 {
            html += "<nav aria-label=\"Contents\"><ul>\n"
            for (index, section) in sections.enumerated() {
                html += "<li><a href=\"#s\(index)\">\(escaped(section.heading))</a></li>\n"
            }
            html += "</ul></nav>\n"
        }
        for (index, section) in sections.enumerated() { append(section, index, to: &html) }
        html += """
            </main>
            <dialog aria-label="Picture"><figure><img alt=""><figcaption></figcaption></figure>\
            <form method="dialog"><button>Close</button></form></dialog>
            <script>\(PictureReport.script)</script>
            </body>
            </html>

            """
        return html
    }

    private func append(_ section: Section, _ index: Int, to html: inout String) {
        html += "<section aria-labelledby=\"s\(index)\">\n<h2 id=\"s\(index)\">\(escaped(section.heading))</h2>\n"
        for paragraph in section.paragraphs { html += "<p>\(escaped(paragraph))</p>\n" }
        if let table = section.table { append(table, to: &html) }
        if !section.pictures.isEmpty {
            html += "<ul class=\"pictures\">\n"
            for card in section.pictures { append(card, to: &html) }
            html += "</ul>\n"
        }
        html += "</section>\n"
    }

    private func append(_ table: Table, to html: inout String) {
        html += "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>\n<thead><tr>"
        for column in table.columns { html += "<th scope=\"col\">\(escaped(column))</th>" }
        html += "</tr></thead>\n<tbody>\n"
        for row in table.rows {
            html += "<tr>"
            for cell in row {
                switch cell {
                case .text(let text): html += "<td>\(escaped(text))</td>"
                case .number(let value, let places): html += "<td class=\"n\">\(fixed(value, places: places))</td>"
                case .share(let share):
                    let percent = max(0, min(1, share.isFinite ? share : 0)) * 100
                    html += "<td class=\"n\"><span class=\"bar\" style=\"--w:\(fixed(percent, places: 1))%\"></span>"
                    html += "\(fixed(percent, places: percent < 10 ? 1 : 0)) %</td>"
                }
            }
            html += "</tr>\n"
        }
        html += "</tbody></table></div>\n"
    }

    private func append(_ card: Card, to html: inout String) {
        html += "<li><figure>"
        let label = escaped(card.name)
        switch card.thumbnail {
        case .embedded(let jpeg): html += image("data:image/jpeg;base64,\(base64(jpeg))", label)
        case .linked(let path): html += image(escaped(percentEncoded(path)), label)
        case .missing: html += "<span class=\"missing\">can’t be shown</span>"
        }
        html += "<figcaption><span class=\"name\">\(label)</span>"
        for line in card.lines { html += "<span>\(escaped(line))</span>" }
        html += "</figcaption></figure></li>\n"
    }

    private func image(_ source: String, _ label: String) -> String {
        "<button type=\"button\" aria-label=\"Enlarge \(label)\"><img loading=\"lazy\" decoding=\"async\" "
            + "alt=\"\(label)\" src=\"\(source)\"></button>"
    }

    private static let style = """
        :root{color-scheme:light dark;--text:#1b1b1f;--page:#fdfdfd;--soft:#5d5d66;--line:#d9d9de;--card:#f3f3f6;\
        --mark:#0b62c4}
        @media(prefers-color-scheme:dark){:root{--text:#e7e7ea;--page:#17171a;--soft:#a5a5ae;--line:#38383e;\
        --card:#222226;--mark:#7db7ff}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,sans-serif}
        main{max-width:75rem;margin:0 auto;padding:1.5rem 1rem 4rem}
        h1{font-size:1.6rem;line-height:1.25;margin:.2em 0 .6em;overflow-wrap:anywhere}
        h2{font-size:1.2rem;margin:2.2em 0 .4em;overflow-wrap:anywhere}
        p{max-width:46rem;margin:.4em 0}
        nav ul{padding-left:1.2rem}
        a{color:var(--mark)}
        .scroll{overflow-x:auto;margin:1em 0}
        table{border-collapse:collapse;font-size:.92rem}
        th,td{text-align:left;padding:.3em .9em .3em 0;border-bottom:1px solid var(--line);vertical-align:baseline}
        th{color:var(--soft);font-weight:600}
        .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
        .bar{display:inline-block;width:6rem;height:.6em;margin-right:.6em;background:linear-gradient(to right,\
        var(--mark) var(--w),var(--line) var(--w))}
        .pictures{list-style:none;margin:1em 0;padding:0;display:grid;gap:.8rem;\
        grid-template-columns:repeat(auto-fill,minmax(10.5rem,1fr))}
        .pictures li{background:var(--card);border-radius:.4rem;content-visibility:auto;contain-intrinsic-size:auto 15rem;\
        min-width:0}
        figure{margin:0}
        .pictures button{display:block;width:100%;height:10rem;padding:0;border:0;background:none;cursor:zoom-in;\
        border-radius:.4rem}
        .pictures img{width:100%;height:100%;object-fit:contain}
        .missing{display:flex;height:10rem;align-items:center;justify-content:center;color:var(--soft)}
        .pictures figcaption{padding:.4rem .6rem .6rem;font-size:.82rem;line-height:1.35}
        figcaption span{display:block;overflow-wrap:anywhere;color:var(--soft)}
        figcaption .name{color:var(--text)}
        :focus-visible{outline:3px solid var(--mark);outline-offset:2px}
        dialog{border:0;border-radius:.5rem;padding:1rem;max-width:min(94vw,60rem);background:var(--page);\
        color:var(--text)}
        dialog::backdrop{background:#000a}
        dialog img{display:block;max-width:100%;max-height:72vh;min-width:min(20rem,80vw);margin:0 auto;\
        object-fit:contain}
        dialog figcaption{padding:.8rem 0}
        dialog button{font:inherit;padding:.3em 1.2em}
        """

    private static let script = """
        (()=>{const box=document.querySelector('dialog'),all=[...document.querySelectorAll('.pictures button')];let at=0;
        const show=i=>{at=(i+all.length)%all.length;const b=all[at],img=box.querySelector('img'),from=b.querySelector('img');
        img.src=from.src;img.alt=from.alt;box.querySelector('figcaption').replaceChildren(
        ...[...b.parentNode.querySelector('figcaption').children].map(c=>c.cloneNode(true)));
        if(!box.open)box.showModal()};
        all.forEach((b,i)=>b.addEventListener('click',()=>show(i)));
        box.addEventListener('keydown',e=>{const d={ArrowRight:1,ArrowDown:1,ArrowLeft:-1,ArrowUp:-1}[e.key];
        if(d){e.preventDefault();show(at+d)}});
        box.addEventListener('close',()=>all[at].focus());
        box.addEventListener('click',e=>{if(e.target===box)box.close()})})();
        """
}
