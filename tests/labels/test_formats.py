"""Label files as the field's tools and people's spreadsheets write them; what they are, their content tells."""

import json
import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
import sleap_io as sio
from other_packages import install_package

from poseflow.config import LabelsConfig
from poseflow.core.errors import LabelsError
from poseflow.core.registry import Registry
from poseflow.labels import check_identities, find_label_files, identity_of, read_labels, skeleton_of
from poseflow.labels.formats import READERS, LabelReader, describe_label_file, read_label_file


def animals(labels: sio.Labels) -> dict[str, dict[str | None, list]]:
    """Points of each animal by its name, by the file name of the image."""
    found = {}
    for frame in labels.labeled_frames:
        own = [(i.track.name if i.track else None, i.numpy().tolist()) for i in frame.instances]
        assert len(dict(own)) == len(own)
        found[Path(frame.video.filename[frame.frame_idx]).name] = dict(own)
    return found


def read(path: Path) -> sio.Labels:
    return read_labels([path], LabelsConfig())


def draw(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), np.zeros((20, 30), np.uint8))


class TestCasesOfDeepLabCut:
    """Tables that people had."""

    def test_paths_of_windows(self, case: Callable[[str], Path]) -> None:
        found = animals(read(case("dlc_windows_paths") / "labeled-data/cage/CollectedData_me.csv"))
        assert found == {"img001.png": {None: [[1, 2], [3, 4]]}, "img005.png": {None: [[5, 6], [7, 8]]}}

    def test_a_row_without_points_is_no_labeled_frame(self, case: Callable[[str], Path]) -> None:
        found = animals(read(case("dlc_first_row_without_points") / "labeled-data/cage/CollectedData_me.csv"))
        assert found == {"img002.png": {None: [[2, 2], [3, 4]]}, "img003.png": {None: [[3, 2], [3, 4]]}}

    def test_unique_body_parts_are_no_animal(
        self, case: Callable[[str], Path], caplog: pytest.LogCaptureFixture
    ) -> None:
        labels = read(case("dlc_unique_bodyparts") / "labeled-data/cage/CollectedData_me.csv")
        assert animals(labels) == {"img001.png": {"anna": [[1, 2], [3, 4]], "bob": [[5, 6], [7, 8]]}}
        assert check_identities(labels) == ("anna", "bob")
        assert "CollectedData_me.csv: unique body parts belong to no animal" in caplog.text
        assert "corner1, corner2" in caplog.text

    def test_of_rows_of_one_image_the_last_counts(
        self, case: Callable[[str], Path], caplog: pytest.LogCaptureFixture
    ) -> None:
        found = animals(read(case("dlc_image_twice") / "labeled-data/cage/CollectedData_me.csv"))
        assert found == {"img001.png": {None: [[1.5, 2.5], [3.5, 4.5]]}}
        assert "labeled-data/cage/img001.png must have one row each" in caplog.text

    def test_a_byte_order_mark(self, case: Callable[[str], Path]) -> None:
        found = animals(read(case("dlc_table_with_bom") / "labeled-data/cage/CollectedData_me.csv"))
        assert found == {"img001.png": {None: [[1, 2], [3, 4]]}}

    def test_predictions_are_no_labels(self, case: Callable[[str], Path]) -> None:
        path = case("dlc_predictions_given_as_labels") / "vidDLC_resnet50_x.csv"
        with pytest.raises(
            LabelsError, match=r"vidDLC_resnet50_x\.csv must hold labels, got .*predictions.*likelihood"
        ):
            read(path)

    def test_an_edge_from_a_node_to_itself(self, case: Callable[[str], Path], caplog: pytest.LogCaptureFixture) -> None:
        labels = read(case("dlc_self_edge") / "labeled-data/cage/CollectedData_me.csv")
        assert len(labels.labeled_frames) == 3
        assert skeleton_of(labels).edges == ()
        assert "config.yaml: edges that join no two body parts" in caplog.text
        assert "nose - nose" in caplog.text


HEAD = ["scorer,me,me,me,me", "bodyparts,nose,nose,tail,tail", "coords,x,y,x,y"]


class TestDeepLabCut:
    """Their siblings."""

    @staticmethod
    def table(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
        folder = folder / "labeled-data" / "cage"
        draw(folder, "img001.png", "img002.png")
        path = folder / "CollectedData_me.csv"
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    def test_like_sleap_io_on_real_tables(self, real_data: Path, caplog: pytest.LogCaptureFixture) -> None:
        tables = [*real_data.glob("formats/dlc/labeled-data/video/*.csv"), *real_data.glob("mouse_openfield/**/*.csv")]
        assert len(tables) == 5
        for path in tables:
            theirs, ours = sio.load_dlc(str(path), config=False), read(path)
            nodes = skeleton_of(ours).nodes
            for frame in ours.labeled_frames:
                name = Path(frame.video.filename[frame.frame_idx]).name
                (same,) = (f for f in theirs if Path(f.video.filename[f.frame_idx]).name == name)
                for instance in frame.instances:
                    name = instance.track.name if instance.track else None
                    (twin,) = (i for i in same.instances if (i.track.name if i.track else None) == name)
                    order = [twin.skeleton.node_names.index(node) for node in nodes]
                    np.testing.assert_array_equal(instance.numpy(), twin.numpy()[order])
        assert caplog.text.count("unique body parts belong to no animal and are left out: D, E") == 2

    def test_edges_are_those_of_the_project(self, real_data: Path) -> None:
        table = real_data / "formats/dlc/labeled-data/video/dlc_testdata.csv"
        assert skeleton_of(read(table)).edges == ((0, 1), (1, 2), (0, 2))

    @pytest.mark.parametrize(
        ("separator", "point", "encoding"), [(";", ",", "utf-8"), ("\t", ",", "utf-16"), (";", ".", "utf-8-sig")]
    )
    def test_as_spreadsheets_save_it(self, tmp_path: Path, separator: str, point: str, encoding: str) -> None:
        lines = [*HEAD, "labeled-data/cage/img001.png,1@5,2,3,4@25", ",,,,"]
        path = self.table(
            tmp_path, *(line.replace(",", separator).replace("@", point) for line in lines), encoding=encoding
        )
        assert animals(read(path)) == {"img001.png": {None: [[1.5, 2], [3, 4.25]]}}

    def test_an_animal_may_be_called_single(self, tmp_path: Path) -> None:
        head = ["scorer,me,me,me,me", "individuals,single,single,bob,bob", "bodyparts,nose,nose,nose,nose"]
        path = self.table(tmp_path, *head, "coords,x,y,x,y", "labeled-data/cage/img001.png,1,2,3,4")
        assert animals(read(path)) == {"img001.png": {"single": [[1, 2]], "bob": [[3, 4]]}}
        head = ["scorer,me,me,me,me", "individuals,single,single,single,single", *HEAD[1:]]
        path = self.table(tmp_path, *head, "labeled-data/cage/img001.png,1,2,3,4")
        assert animals(read(path)) == {"img001.png": {"single": [[1, 2], [3, 4]]}}

    def test_a_later_row_without_points_takes_none_away(self, tmp_path: Path) -> None:
        rows = ["labeled-data/cage/img001.png,1,2,3,4", "labeled-data\\cage\\img001.png,,,,"]
        assert animals(read(self.table(tmp_path, *HEAD, *rows))) == {"img001.png": {None: [[1, 2], [3, 4]]}}

    def test_blank_cells_at_a_rows_end_may_be_left_away(self, tmp_path: Path) -> None:
        rows = ["labeled-data/cage/img001.png,1,2", "labeled-data/cage/img002.png"]
        ((points,),) = (found.values() for found in animals(read(self.table(tmp_path, *HEAD, *rows))).values())
        np.testing.assert_array_equal(points, [[1, 2], [np.nan, np.nan]])

    def test_half_a_point_is_none(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        path = self.table(tmp_path, *HEAD, "labeled-data/cage/img001.png,1,2,3,")
        ((points,),) = (found.values() for found in animals(read(path)).values())
        np.testing.assert_array_equal(points, [[1, 2], [np.nan, np.nan]])
        assert "1 points with x or y only are left out" in caplog.text

    def test_of_a_folder_of_another_name(self, tmp_path: Path) -> None:
        path = self.table(tmp_path, *HEAD, "labeled-data/cage 1 old/img001.png,1,2,3,4")
        assert animals(read(path)) == {"img001.png": {None: [[1, 2], [3, 4]]}}

    def test_through_a_link(self, tmp_path: Path) -> None:
        path = self.table(tmp_path / "disk", *HEAD, "labeled-data/cage/img001.png,1,2,3,4")
        (tmp_path / "project" / "labeled-data").mkdir(parents=True)
        (tmp_path / "project" / "labeled-data" / "cage").symlink_to(path.parent)
        linked = tmp_path / "project" / "labeled-data" / "cage" / path.name
        assert animals(read(linked)) == {"img001.png": {None: [[1, 2], [3, 4]]}}

    def test_the_same_from_h5_and_named_once(self, real_data: Path) -> None:
        folder = real_data / "mouse_openfield" / "labeled-data" / "m4s1"
        paths = (f"{folder}/*.h5", f"{folder}/*.csv")
        assert [path.suffix for path in find_label_files(LabelsConfig(paths=paths))] == [".csv"]

    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            ([*HEAD, "labeled-data/cage/img001.png,1,2,3"], "each row must have 5 cells, got 4 in that of .*img001"),
            ([*HEAD, "labeled-data/cage/img001.png,1,2,3,4x"], "coordinates must be numbers, got '4x' for tail of"),
            ([*HEAD, '"labeled-data/cage/img001.png","1,5",2,3,4'], "coordinates must be numbers, got '1,5' for nose"),
            ([*HEAD, "0,1,2,3,4"], "each row must name a labeled image, got '0'"),
            (HEAD[:2], "header rows scorer, bodyparts and coords, got none of coords"),
            (["scorer,a,a,b,b", "bodyparts,n,n,n,n", "coords,x,y,x,y"], "got several of n, by the scorers a, b"),
            (["scorer,a,a,a", "bodyparts,n,n,n", "coords,x,y,z"], "each column must be x or y of a body part, got 'z'"),
            (["scorer,a", "bodyparts,n", "coords,x"], "each body part must have x and y"),
            (HEAD, "must have labeled frames, got none"),
            ([*HEAD, '"labeled-data/cage/img001.png,1,2,3,4'], "got a damaged one: unexpected end of data"),
        ],
    )
    def test_what_is_no_table_of_labels(self, tmp_path: Path, lines: list[str], message: str) -> None:
        with pytest.raises(LabelsError, match=rf"CollectedData_me\.csv.*{message}"):
            read(self.table(tmp_path, *lines))

    def test_predictions_in_hdf5(self, tmp_path: Path) -> None:
        with h5py.File(tmp_path / "v.h5", "w") as file:
            group = file.create_group("df_with_missing")
            group.attrs.update({"pandas_type": b"frame_table", "non_index_axes": b"(lp0\nVlikelihood\n."})
        with pytest.raises(LabelsError, match=r"v\.h5 must hold labels, got DeepLabCut's predictions"):
            read(tmp_path / "v.h5")

    @pytest.mark.parametrize("cell", ["NA", "#N/A", "None", "null", "-nan"])
    def test_what_pandas_takes_for_no_value(self, tmp_path: Path, cell: str) -> None:
        path = self.table(tmp_path, *HEAD, f"labeled-data/cage/img001.png,{cell},{cell},3,4")
        np.testing.assert_array_equal(animals(read(path))["img001.png"][None], [[np.nan, np.nan], [3, 4]])

    @pytest.mark.parametrize("cell", ["1_0", "\uff11", "0x10", "1,5"])
    def test_numbers_of_python_only(self, tmp_path: Path, cell: str) -> None:
        with pytest.raises(LabelsError, match="coordinates must be numbers, got"):
            read(self.table(tmp_path, *HEAD, f'labeled-data/cage/img001.png,"{cell}",2,3,4'))

    def test_a_damaged_config_costs_the_edges_only(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        path = self.table(tmp_path, *HEAD, "labeled-data/cage/img001.png,1,2,3,4")
        (tmp_path / "config.yaml").write_text("Task: x\nscorer: y\nskeleton: 5")
        assert len(read(path).labeled_frames) == 1
        (tmp_path / "config.yaml").write_text("Task: x\nskeleton: [[nose")
        assert skeleton_of(read(path)).edges == ()
        assert "config.yaml is damaged and tells no edges" in caplog.text


def coco(folder: Path, annotations: Sequence[dict], **changes: Any) -> Path:
    """A COCO file of two images, each annotation with what it needs if it does not give it."""
    draw(folder, "a.png", "b.png")
    content = {
        "images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}],
        "categories": [{"id": 1, "name": "fly", "keypoints": ["head", "tail"], "skeleton": [[1, 2]]}],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": 1, "keypoints": [1, 2, 2, 3, 4, 2]} | own
            for number, own in enumerate(annotations)
        ],
    } | changes
    (folder / "coco.json").write_text(json.dumps(content))
    return folder / "coco.json"


class TestCoco:
    """COCO as many tools write it."""

    def test_track_0_is_a_name(self, case: Callable[[str], Path]) -> None:
        found = animals(read(case("coco_track_0") / "coco.json"))
        assert found == {"a.png": {"track_0": [[1, 1], [2, 2]], "track_1": [[11, 11], [12, 12]]}}

    def test_a_track_of_cvat_is_a_name(self, tmp_path: Path) -> None:
        assert animals(read(coco(tmp_path, [{"attributes": {"track_id": 0}}])))["a.png"].keys() == {"track_0"}

    def test_categories_of_other_nodes_are_named(self, case: Callable[[str], Path]) -> None:
        path = case("coco_two_categories_of_other_nodes") / "coco.json"
        with pytest.raises(LabelsError, match=r"got mouse \(nose, tail\) and fly \(head, abdomen\)"):
            read(path)

    def test_categories_of_the_same_nodes_in_another_order(self, tmp_path: Path) -> None:
        categories = [
            {"id": 1, "name": "fly", "keypoints": ["head", "tail"]},
            {"id": 7, "name": "bee", "keypoints": ["tail", "head"], "skeleton": float("nan")},
            {"id": 8, "name": "arena"},
        ]
        annotations = [{"track_id": 5}, {"category_id": 7, "track_id": 6}, {"category_id": 8, "keypoints": []}]
        found = animals(read(coco(tmp_path, annotations, categories=categories)))
        assert found == {"a.png": {"track_5": [[1, 2], [3, 4]], "track_6": [[3, 4], [1, 2]]}}

    def test_visibility(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        annotations = [{"keypoints": [1, 2, 1, 0, 0, 0]}, {"image_id": 2, "keypoints": [[5, 6, 2], [7, 8, 0]]}]
        found = animals(read(coco(tmp_path, annotations)))
        np.testing.assert_array_equal(found["a.png"][None], [[1, 2], [np.nan, np.nan]])
        np.testing.assert_array_equal(found["b.png"][None], [[5, 6], [np.nan, np.nan]])
        assert "coco.json: left out: 1 points of visibility 0 that have coordinates" in caplog.text

    def test_what_is_left_out_is_counted(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        annotations = [
            {},
            {"iscrowd": 1},
            {"keypoints": None, "bbox": [1, 2, 3, 4]},
            {"keypoints": [], "segmentation": {"counts": "abc", "size": [20, 30]}},
            {"keypoints": [0] * 6, "num_keypoints": 0},
            {"image_id": 9},
        ]
        assert animals(read(coco(tmp_path, annotations))) == {"a.png": {None: [[1, 2], [3, 4]]}}
        for part in (
            "1 crowds",
            "2 annotations without keypoints",
            "1 annotations without points",
            "1 of images that the file does not list",
        ):
            assert part in caplog.text

    def test_numbers_that_pandas_made_of_ids(self, tmp_path: Path) -> None:
        path = coco(tmp_path, [{"image_id": 1.0, "category_id": 1.0, "track_id": 3.0, "score": None}])
        assert animals(read(path)) == {"a.png": {"track_3": [[1, 2], [3, 4]]}}

    def test_ids_of_any_type_and_mappings_for_lists(self, tmp_path: Path) -> None:
        images = {"x": {"file_name": "a.png"}, "0": {"file_name": "b.png"}}
        found = animals(read(coco(tmp_path, [{"image_id": "x"}, {"image_id": 0}], images=images)))
        assert found.keys() == {"a.png", "b.png"}

    @pytest.mark.parametrize(
        ("name", "place"),
        [
            ("sub/c.png", "sub/c.png"),
            ("sub\\c.png", "sub/c.png"),
            ("D:\\lab\\sub\\c.png", "sub/c.png"),
            ("https://example.org/x/sub/c%201.png?size=1", "images/sub/c 1.png"),
            ("c.png", "images/c.png"),
            ("./c.png", "deep/er/c.png"),
            ("/gone/c.png", "c.png"),
        ],
    )
    def test_paths_of_images(self, tmp_path: Path, name: str, place: str) -> None:
        path = coco(tmp_path, [{}], images=[{"id": 1, "file_name": name}])
        draw(tmp_path, place)
        (frame,) = read(path).labeled_frames
        assert Path(frame.video.filename[frame.frame_idx]) == tmp_path / place

    def test_coordinates_that_are_no_coordinates(self, tmp_path: Path) -> None:
        with pytest.raises(LabelsError, match=r"coco\.json: annotation 0 must have numbers as keypoints"):
            read(coco(tmp_path, [{"keypoints": [10**400, 2, 2, 3, 4, 2]}]))

    @pytest.mark.parametrize("size", [{"width": 640, "height": 480}, {"width": 20, "height": 30.0}])
    def test_images_of_another_size_than_they_were_labeled_in(self, tmp_path: Path, size: dict) -> None:
        images = [{"id": 1, "file_name": "a.png", **size}]
        with pytest.raises(LabelsError, match=rf"a\.png must have the size .* {size['width']} x .*, got 30 x 20"):
            read(coco(tmp_path, [{}], images=images))

    def test_sizes_that_say_nothing(self, tmp_path: Path) -> None:
        for size in ({"width": None, "height": "x"}, {"width": 0, "height": 20}, {"width": float("inf"), "height": 20}):
            assert animals(read(coco(tmp_path, [{}], images=[{"id": 1, "file_name": "a.png", **size}])))

    def test_namesakes_in_several_folders(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        draw(tmp_path, "one/c.png", "two/c.png")
        with pytest.raises(LabelsError, match=r"must lie in one folder, got several that have c\.png: .*/one, .*/two"):
            read(coco(tmp_path, [{}], images=[{"id": 1, "file_name": "c.png"}]))
        images = [{"id": 1, "file_name": "/old/one/c.png"}, {"id": 2, "file_name": "/old/three/c.png"}]
        path = coco(tmp_path, [{}, {"image_id": 2}], images=images)
        (frame,) = read(path).labeled_frames
        assert Path(frame.video.filename[frame.frame_idx]) == tmp_path / "one/c.png"
        assert "1 images that are not there are left out: /old/three/c.png" in caplog.text

    def test_scores_make_predictions(self, tmp_path: Path) -> None:
        path = coco(tmp_path, [{"score": 0.9, "keypoints": [1, 2, 0.7, 3, 4, 0.9]}])
        with pytest.raises(LabelsError, match="1 predicted instance only"):
            read(path)

    def test_edges_counted_from_zero_or_from_a_node_to_itself(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        category = {"id": 1, "name": "fly", "keypoints": ["a", "b", "c"]}
        keypoints = {"keypoints": [1, 2, 2] * 3}
        for edges in ([[0, 1], [1, 2]], [[1, 2], [2, 3], [3, 3], [4, 1]], [["a", "b"], ["b", "c"]]):
            path = coco(tmp_path, [keypoints], categories=[category | {"skeleton": edges}])
            assert skeleton_of(read(path)).edges == ((0, 1), (1, 2))
        assert "edges of category fly that join no two keypoints are left out: [[3, 3], [4, 1]]" in caplog.text

    @pytest.mark.parametrize(
        ("changes", "annotation", "message"),
        [
            ({}, {"keypoints": [1, 2, 2]}, r"annotation 0 must have .* of 2 keypoints \(6 numbers\), got 3"),
            ({}, {"keypoints": [1, 2, 2, 3, 4, "x"]}, "annotation 0 must have numbers"),
            ({}, {"keypoints": [1, 2, 0.7, 3, 4, 1]}, r"visibility must be 0, 1 or 2, got 0\.7"),
            ({}, {"category_id": 3}, "categories must include that of each annotation, got none of id 3"),
            ({}, {"keypoints": []}, r"must have annotations with keypoints, got 1 annotations without keypoints"),
            ({"categories": []}, {}, "got no categories"),
            (
                {"categories": [{"id": 1, "keypoints": ["a", "a"]}]},
                {},
                "category 1 must list its keypoints' names, each",
            ),
            (
                {"categories": [{"id": 1, "keypoints": [{"name": "a"}]}]},
                {},
                "category 1 must list its keypoints' names",
            ),
            ({"images": [{"id": 1}]}, {}, "each image must have a file_name, got None of id 1"),
            ({"images": [{"id": 1, "file_name": "a.png"}] * 2}, {}, "images must have an id of their own"),
            ({"images": 5}, {}, "images must be a list of entries, got int"),
        ],
    )
    def test_what_contradicts_itself(self, tmp_path: Path, changes: dict, annotation: dict, message: str) -> None:
        with pytest.raises(LabelsError, match=rf"coco\.json.*{message}"):
            read(coco(tmp_path, [annotation], **changes))

    def test_an_image_listed_twice(self, tmp_path: Path) -> None:
        images = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "./a.png"}]
        with pytest.raises(LabelsError, match=r"an image must be listed once, got a\.png 2 times"):
            read(coco(tmp_path, [{}, {"image_id": 2}], images=images))


def keypoint(number: str, name: str, x: float, **more: Any) -> dict:
    value = {"x": x, "y": 50, "keypointlabels": [name]}
    return {"id": number, "type": "keypointlabels", "original_width": 30, "original_height": 20, "value": value, **more}


def rectangle(number: str) -> dict:
    return {"id": number, "type": "rectanglelabels", "value": {"rectanglelabels": ["mouse"]}}


class TestLabelStudio:
    """Exports of projects that people have set up in their own way."""

    def read(self, folder: Path, *tasks: tuple[dict, list[dict]]) -> dict[str, dict]:
        content = [{"data": data, "annotations": annotations} for data, annotations in tasks]
        (folder / "export.json").write_text(json.dumps(content))
        return animals(read(folder / "export.json"))

    @pytest.mark.parametrize(
        "data",
        [
            {"img": "frames/1.png"},
            {"note": "of day 1", "frame": "https://lab.org/frames/1.png?raw=1"},
            {"image": "/data/local-files/?d=lab/frames/1.png"},
            {"image": "http://localhost:8080/data/local-files/?d=lab/frames/1.png"},
        ],
    )
    def test_an_image_has_any_name_and_place(self, data: dict, tmp_path: Path) -> None:
        draw(tmp_path, "frames/1.png", "frames/2.png")
        other = {key: str(value).replace("1.png", "2.png") for key, value in data.items()}
        made = [[{"result": [keypoint("a", "nose", x)]}] for x in (10, 20)]
        found = self.read(tmp_path, (data, made[0]), (other, made[1]))
        assert found == {"1.png": {None: [[3, 10]]}, "2.png": {None: [[6, 10]]}}

    def test_of_several_people_the_ground_truth_counts_and_nobody_who_skipped_it(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        draw(tmp_path, "1.png", "2.png")
        first, second = ({"result": [keypoint("a", "nose", x)]} for x in (10, 20))
        skipped = {"result": [keypoint("a", "nose", 90)], "was_cancelled": True}
        given = ({"image": "1.png"}, [skipped, first]), ({"image": "2.png"}, [first, {**second, "ground_truth": True}])
        assert self.read(tmp_path, *given) == {"1.png": {None: [[3, 10]]}, "2.png": {None: [[6, 10]]}}
        assert "1 image annotated by several people" in caplog.text

    def test_keypoints_within_a_rectangle_are_its_animals(self, tmp_path: Path) -> None:
        draw(tmp_path, "1.png")
        result = [rectangle("A"), rectangle("B"), *(keypoint(n.lower(), "nose", 10, parentID=n) for n in "AB")]
        result[-1]["value"]["x"] = 20
        (tmp_path / "a.json").write_text(
            json.dumps([{"data": {"image": "1.png"}, "annotations": [{"result": result}]}])
        )
        [frame] = read(tmp_path / "a.json").labeled_frames
        assert [instance.numpy().tolist() for instance in frame.instances] == [[[3, 10]], [[6, 10]]]

    def test_an_image_labeled_in_two_tasks(self, tmp_path: Path) -> None:
        made = [{"result": [keypoint("a", "nose", 10)]}]
        with pytest.raises(LabelsError, match=r"one task, got several of 1\.png"):
            self.read(tmp_path, ({"image": "1.png"}, made), ({"image": "1.png"}, made))


class TestRecognition:
    """The name may be anything."""

    @pytest.mark.parametrize(
        ("path", "name"),
        [
            ("leap_mat/skeleton_legs.mat", "a MATLAB file"),
            ("sleap_analysis/small_robot_3_frame.mp4", "a video"),
            ("alphatracker/img000.png", "an image"),
            ("dlc/config.yaml", "a text of another kind"),
        ],
    )
    @pytest.mark.parametrize("suffix", ["", ".slp", ".csv", ".h5", ".json"])
    def test_other_formats_are_named(self, real_data: Path, tmp_path: Path, path: str, name: str, suffix: str) -> None:
        shutil.copyfile(real_data / "formats" / path, tmp_path / f"labels{suffix}")
        with pytest.raises(LabelsError, match=rf"labels.* must be a label file .*SLEAP \.slp .*got {name}"):
            read_label_file(tmp_path / f"labels{suffix}")

    def test_known_formats_under_any_name(self, real_data: Path, tmp_path: Path) -> None:
        shutil.copytree(real_data / "formats/dlc/labeled-data/video", tmp_path / "video", copy_function=shutil.copyfile)
        (tmp_path / "video/dlc_testdata.csv").rename(tmp_path / "video/labels.txt")
        assert len(read(tmp_path / "video/labels.txt").labeled_frames) == 3
        assert len(read(coco(tmp_path, [{}]).rename(tmp_path / "labels.slp")).labeled_frames) == 1
        for name in ("labels.h5", "labels.csv", "labels"):
            shutil.copyfile(real_data / "formats/slp/small_robot_minimal.slp", tmp_path / name)
            assert read_label_file(tmp_path / name).labeled_frames

    @pytest.mark.parametrize(
        ("content", "name"),
        [
            ([{"data": {}, "annotations": [{"result": []}]}], "a Label Studio export"),
            ([{"image_id": 1, "keypoints": [], "score": 1}], r"a list of COCO results \(predictions\)"),
            ({"shapes": [], "imagePath": "a.png"}, "a LabelMe file"),
            ({"release": None}, r"another JSON \(with release\)"),
            (7, "a text of another kind"),
        ],
    )
    def test_other_json(self, tmp_path: Path, content: Any, name: str) -> None:
        (tmp_path / "a.json").write_text(json.dumps(content))
        with pytest.raises(LabelsError, match=rf"a\.json must be a label file .*got {name}"):
            read_label_file(tmp_path / "a.json")

    @pytest.mark.parametrize(("member", "name"), [("poseest", "a JABS pose file"), ("x", "of another kind .with x")])
    def test_other_hdf5(self, tmp_path: Path, member: str, name: str) -> None:
        with h5py.File(tmp_path / "a.slp", "w") as file:
            file.create_group(member)
        with pytest.raises(LabelsError, match=rf"a\.slp must be a label file .*got .*{name}"):
            read_label_file(tmp_path / "a.slp")

    def test_a_matlab_file_of_hdf5(self, tmp_path: Path) -> None:
        with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
            file.create_group("positions")
        with (tmp_path / "a.mat").open("r+b") as head:
            head.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
        with pytest.raises(LabelsError, match=r"a\.mat must be a label file .*got a MATLAB file"):
            read_label_file(tmp_path / "a.mat")

    def test_a_damaged_file_is_named(self, case: Callable[[str], Path]) -> None:
        folder = case("damaged_label_file_stops_the_plan")
        (folder / "broken.slp").write_bytes((folder / "a.slp").read_bytes()[:5000])
        with pytest.raises(LabelsError, match=r"broken\.slp must be a label file, got a damaged one \(cut off"):
            read_label_file(folder / "broken.slp")

    def test_a_folder_is_no_label_file(self, case: Callable[[str], Path]) -> None:
        folder = case("labels_path_is_a_folder")
        (folder / "labels").mkdir()
        with pytest.raises(LabelsError, match=r"labels\.paths must name files .*, got the folder .*labels"):
            find_label_files(LabelsConfig(paths=(str(folder / "labels"),)))
        with pytest.raises(LabelsError, match="labels must be a label file, got a folder"):
            read_label_file(folder / "labels")

    def test_what_the_machine_fails_to_read_is_no_damage(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_labels: Callable
    ) -> None:
        path = make_labels("a.slp", "a.mp4", {})

        def fail(*args: Any, **kwargs: Any) -> None:
            raise OSError("Can't synchronously read data (file read failed: errno = 5, error message = 'EIO')")

        monkeypatch.setattr(sio, "load_slp", fail)
        with pytest.raises(OSError, match=r"Input.output error.*a\.slp") as raised:
            read_label_file(path)
        assert raised.value.errno == 5

    def test_a_name_is_the_same_however_its_letters_are_encoded(
        self, make_video: Callable, make_labels: Callable, animal: Callable
    ) -> None:
        tracks = ("na\u0308", "n\u00e4 \n b", " ")
        path = make_labels("a.slp", make_video("a.mp4"), {0: [animal(), animal(20), animal(30)]}, tracks=tracks)
        labels = read(path)
        assert [track.name for track in labels.tracks] == ["n\u00e4", "n\u00e4 b"]
        assert [identity_of(instance) for instance in labels.labeled_frames[0].instances] == [
            "n\u00e4",
            "n\u00e4 b",
            None,
        ]
        assert describe_label_file(path, False)["identities"] == ["n\u00e4", "n\u00e4 b"]

    def test_an_edge_of_sleap_from_a_node_to_itself(
        self, make_video: Callable, make_labels: Callable, animal: Callable, caplog: pytest.LogCaptureFixture
    ) -> None:
        edges = [("nose", "nose"), ("nose", "body")]
        path = make_labels("a.slp", make_video("a.mp4"), {0: [animal()]}, edges=edges)
        with caplog.at_level(logging.WARNING):
            assert skeleton_of(read(path)).edges == ((0, 1),)
        assert "a.slp: edges that join a node to itself are left out: nose" in caplog.text


class TestFormatsOfOtherPackages:
    """A format that another package adds by an entry point."""

    @pytest.fixture(autouse=True)
    def install(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        source = (
            "import json\n"
            "import numpy as np\n"
            "import sleap_io as sio\n"
            "from poseflow.labels import LabelReader\n"
            "def recognize(path):\n"
            "    return path.read_bytes().startswith(b'{\"toy\"')\n"
            "def read(path):\n"
            "    skeleton = sio.Skeleton(['a', 'b'])\n"
            "    points = np.array(json.loads(path.read_text())['toy'], float)\n"
            "    instance = sio.Instance.from_numpy(points, skeleton=skeleton)\n"
            "    video = sio.Video(filename='a.mp4', open_backend=False)\n"
            "    return sio.Labels([sio.LabeledFrame(video=video, frame_idx=3, instances=[instance])])\n"
            "TOY = LabelReader('toy files', recognize, read)\n"
        )
        parts = {"poseflow.readers": {"toy": "toy_labels:TOY"}}
        install_package(tmp_path / "site", monkeypatch, "toy_labels", parts, source)
        afresh = Registry[LabelReader]("readers", "a format of label files")
        for name, reader in READERS.items():
            afresh.add(name)(reader)
        monkeypatch.setattr("poseflow.labels.formats.READERS", afresh)

    def test_is_read_although_it_is_json(self, tmp_path: Path) -> None:
        (tmp_path / "l.json").write_text('{"toy": [[1, 2], [3, 4]]}')
        labels = read_label_file(tmp_path / "l.json")
        assert labels[0].instances[0].numpy().tolist() == [[1, 2], [3, 4]]

    def test_is_described_from_what_it_reads(self, tmp_path: Path) -> None:
        (tmp_path / "l.json").write_text('{"toy": [[1, 2], [3, 4]]}')
        facts = describe_label_file(tmp_path / "l.json", include_predictions=False)
        assert (facts["frames"], facts["nodes"], facts["places"]) == (1, ["a", "b"], {"a.mp4": [3]})

    def test_is_named_where_a_file_is_of_no_format(self, tmp_path: Path) -> None:
        (tmp_path / "l.txt").write_text("hello")
        with pytest.raises(
            LabelsError,
            match=r"must be a label file \(AlphaTracker \.json, .*, toy files, YOLO-pose data\.yaml\), got a text",
        ):
            read_label_file(tmp_path / "l.txt")
