extension PictureReport {
    /// Opens pictures and moves between them, and saves the plan that the reader ticks. Without it a page still reads, and its pictures are links to their files.
    static let script = #"""
        (() => {
          'use strict';
          const dialog = document.querySelector('dialog');
          const stage = dialog.querySelector('img');
          const caption = dialog.querySelector('figcaption');
          const place = dialog.querySelector('.place');
          const file = dialog.querySelector('a');
          const shots = [...document.querySelectorAll('.shot')];
          let at = 0;

          const show = (index) => {
            at = (index + shots.length) % shots.length;
            const shot = shots[at];
            const small = shot.querySelector('img');
            const source = shot.getAttribute('href');
            stage.className = source ? '' : 'small';
            stage.alt = small ? small.alt : '';
            if (small) stage.src = small.src; else stage.removeAttribute('src');
            const said = shot.parentNode.querySelector('figcaption').childNodes;
            caption.replaceChildren(...[...said].map((node) => node.cloneNode(true)));
            place.textContent = `${at + 1} of ${shots.length}`;
            file.hidden = !source;
            if (source) {
              const wanted = at;
              const whole = new Image();
              whole.onload = () => { if (at === wanted) stage.src = whole.src; };
              whole.onerror = () => { if (at === wanted) stage.className = 'small'; };
              whole.src = file.href = source;
            }
            if (!dialog.open) dialog.showModal();
          };

          const beside = (shot, key) => {
            const here = shots.indexOf(shot);
            if (key === 'ArrowRight') return shots[here + 1];
            if (key === 'ArrowLeft') return shots[here - 1];
            if (key === 'Home') return shots[0];
            if (key === 'End') return shots[shots.length - 1];
            const step = { ArrowDown: 1, ArrowUp: -1 }[key];
            if (!step) return undefined;
            const box = (shot) => shot.parentNode.parentNode.getBoundingClientRect();
            const { top, left } = box(shot);
            let row, best, least = Infinity;
            for (let index = here + step; shots[index]; index += step) {
              const other = box(shots[index]);
              if (Math.abs(other.top - top) < 2) continue;
              if (row !== undefined && Math.abs(other.top - row) > 2) break;
              row = other.top;
              if (Math.abs(other.left - left) < least) {
                best = shots[index];
                least = Math.abs(other.left - left);
              }
            }
            return best;
          };

          const lose = (image) => {
            const note = document.createElement('span');
            note.className = 'missing';
            note.textContent = 'can’t be shown';
            image.replaceWith(note);
          };
          document.addEventListener('error', (event) => {
            if (event.target.closest?.('.shot')) lose(event.target);
          }, true);
          for (const image of document.querySelectorAll('.shot img')) {
            if (image.complete && !image.naturalWidth) lose(image);
          }

          document.addEventListener('click', (event) => {
            const shot = event.target.closest('.shot');
            if (!shot || event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            show(shots.indexOf(shot));
          });
          document.addEventListener('keydown', (event) => {
            if (event.ctrlKey || event.metaKey || event.altKey) return;
            if (dialog.open) {
              const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
              if (!step) return;
              event.preventDefault();
              show(at + step);
              return;
            }
            const other = document.activeElement?.matches('.shot') && beside(document.activeElement, event.key);
            if (!other) return;
            event.preventDefault();
            other.focus();
          });
          dialog.querySelector('.previous').addEventListener('click', () => show(at - 1));
          dialog.querySelector('.next').addEventListener('click', () => show(at + 1));
          dialog.querySelector('.close').addEventListener('click', () => dialog.close());
          dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
          dialog.addEventListener('close', () => {
            stage.removeAttribute('src');
            shots[at].focus();
          });

          const plan = document.querySelector('.plan');
          if (!plan) return;
          const groups = [...document.querySelectorAll('.group')].map((element) => ({
            element,
            boxes: [...element.querySelectorAll('.choice input')],
          }));
          const boxes = groups.flatMap((group) => group.boxes);
          const files = new Map(boxes.map((box) => [box, JSON.parse(box.dataset.file)]));
          const save = plan.querySelector('.save');
          const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
          const size = (bytes) => {
            let unit = 0;
            for (; bytes >= 1000 && unit < units.length - 1; unit += 1) bytes /= 1000;
            return `${unit && bytes < 99.95 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
          };

          const tell = () => {
            const going = boxes.filter((box) => box.checked);
            let empty = 0;
            for (const { element, boxes } of groups) {
              const isEmpty = boxes.every((box) => box.checked);
              element.classList.toggle('empty', isEmpty);
              if (isEmpty) empty += 1;
            }
            const bytes = going.reduce((sum, box) => sum + files.get(box).bytes, 0);
            plan.querySelector('output').textContent = empty
              ? `Nothing would stay in ${empty === 1 ? 'a group' : `${empty} groups`}: untick a picture there`
              : `${going.length} of ${boxes.length} ticked to go, ${size(bytes)}`;
            save.disabled = empty > 0 || !going.length;
          };

          const put = (record, key, name, bytes) => {
            record[key] = name ?? null;
            if (bytes) record[`${key}_bytes`] = bytes;
          };
          const records = ({ boxes }, index) => {
            const first = files.get(boxes[0]);
            const kept = files.get(boxes.find((box) => !box.checked));
            return boxes.filter((box) => box.checked).map((box) => {
              const file = files.get(box);
              const record = { group: index + 1 };
              put(record, 'kept', kept.path, kept.path_bytes);
              put(record, 'duplicate', file.path, file.path_bytes);
              put(record, 'other_names', file.other_names, file.other_names_bytes);
              // Of two that were not compared with each other nothing is known.
              record.similarity = kept === first ? file.similarity : file === first ? kept.similarity : null;
              record.exact = kept.sha256 === file.sha256;
              record.bytes = file.bytes;
              record.action = null;
              record.kept_sha256 = kept.sha256;
              record.sha256 = file.sha256;
              put(record, 'link', file.link, file.link_bytes);
              record.model = plan.dataset.model;
              return record;
            });
          };

          save.addEventListener('click', () => {
            const lines = groups.flatMap(records).map((record) => JSON.stringify(record) + '\n');
            const link = document.createElement('a');
            link.href = URL.createObjectURL(new Blob(lines, { type: 'application/x-ndjson' }));
            link.download = 'plan.jsonl';
            link.click();
            setTimeout(() => URL.revokeObjectURL(link.href), 60000);
          });
          const tick = (isTicked) => {
            for (const box of boxes) box.checked = isTicked(box);
            tell();
          };
          plan.querySelector('.tick').addEventListener('click', () => tick((box) => box.defaultChecked));
          plan.querySelector('.untick').addEventListener('click', () => tick(() => false));
          document.addEventListener('change', tell);
          for (const element of [plan, ...document.querySelectorAll('.choice')]) element.hidden = false;
          tell();
        })();
        """#
}
